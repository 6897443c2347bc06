use std::process::ExitCode;
use std::time::Instant;

use nst::checkpoint::Passport;
use nst::job::InputSizes;
use nst::{End, Job, Painted, device};

use crate::cli::args::{Part, Transfer};
use crate::cli::flags::Flags;
use crate::cli::inputs::{self, Reader};
use crate::cli::json::{json_path, print_event};
use crate::cli::memory;
use crate::cli::networks::Networks;
use crate::cli::observers::{DoneLine, Frames, Interrupt, Keeper, Progress};
use crate::cli::output::{self, Target};
use crate::cli::provenance::Provenance;

/// How a transfer ended; its picture is saved in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps are done.
    Finished,
    /// Interrupted after this step.
    Stopped {
        /// The step, over all scales.
        step: usize,
    },
    /// The loss exploded again and again at this step; the picture is the last good one.
    Diverged {
        /// The step, over all scales.
        step: usize,
    },
}

/// Paints one picture. `flags` are those that `args` were parsed from.
pub fn run(args: &Transfer, flags: &Flags) -> anyhow::Result<ExitCode> {
    check(args)?;
    // A run that goes on made the picture that lies there when it was interrupted.
    let overwrite = args.output.overwrite || args.output.resume.is_some();
    let target = Target::new(args, overwrite)?;
    let interrupt = Interrupt::listen()?;
    set_threads(args)?;
    let outcome = paint(args, flags, target, &mut Networks::default(), &interrupt)?;
    let diverged = matches!(outcome, Outcome::Diverged { .. });
    let code = interrupt.exit_code().unwrap_or(u8::from(diverged));
    Ok(ExitCode::from(code))
}

/// Checks what the flags alone tell.
pub fn check(args: &Transfer) -> anyhow::Result<()> {
    inputs::content(args)?;
    inputs::check_strength(args)?;
    inputs::job(args).check()?;
    Keeper::new(&args.output)?;
    output::check(args)
}

/// Sets the number of threads of the process, once.
pub fn set_threads(args: &Transfer) -> anyhow::Result<()> {
    Ok(device::set_threads(args.hardware.threads())?)
}

/// Paints one picture to a checked target.
pub fn paint(
    args: &Transfer,
    flags: &Flags,
    target: Target,
    networks: &mut Networks,
    interrupt: &Interrupt,
) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let out = &args.output;
    let note = |text: &str| {
        if !out.quiet {
            eprintln!("note: {text}");
        }
    };
    let reader = Reader::new(args, &note);
    let pictures = inputs::read(args, &reader)?;
    let mut job = inputs::job(args);
    job.init = inputs::init(&args.pictures.init, &reader)?;
    let sizes = InputSizes::from(&pictures);
    let asked = job.size;
    let plan = memory::plan(&args.hardware, &mut job, &sizes, &note)?;

    let network = networks.get(args, plan.deepest, &note)?;
    let target = target.describing(if out.no_provenance {
        None
    } else {
        let weights = network.record()?.clone();
        let flags = if job.size == asked {
            flags.clone()
        } else {
            sized(flags, &job)
        };
        Some(Provenance::new(&flags, reader.digests(), weights))
    });
    let mut keeper = Keeper::new(out)?;
    let state = match &mut keeper {
        Some(keeper) => {
            let (weights, backend) = (&network.record()?.sha256, args.hardware.backend.name());
            let passport = Passport::new(&job, &pictures, weights, backend);
            keeper.begin(&job, &plan, passport, &network.vgg.device())?
        }
        None => None,
    };

    let frames = Frames::new(out, &target, plan.steps(), plan.size())?;
    let mut progress = Progress::new(plan.steps(), out, frames, keeper.as_ref(), interrupt);
    let painted = nst::resume(&job, &pictures, &network.vgg, state, &mut progress);
    let stopped_after = progress.stopped_after();
    let ended = progress.finish();
    let painted = painted?;
    match painted.end {
        End::Diverged { step } => target.diverged(step).save(&painted.picture, None)?,
        _ => target.save(&painted.picture, stopped_after)?,
    }
    let (steps, frames) = ended?;
    frames.finish(&painted.picture)?;
    let seconds = start.elapsed().as_secs_f64();
    summarise(args, &target, &painted, steps, seconds)?;
    close(keeper.as_ref(), painted.end, &note);
    Ok(match (painted.end, stopped_after) {
        (End::Diverged { step }, _) => Outcome::Diverged { step },
        (_, Some(step)) => Outcome::Stopped { step },
        (_, None) => Outcome::Finished,
    })
}

/// The flags of a job whose size was made to fit the memory, which may be another tomorrow.
fn sized(flags: &Flags, job: &Job) -> Flags {
    let mut flags = flags.clone();
    flags.remove("area");
    flags.set("size", &[job.size.to_string()]);
    flags
}

/// What is left to do and to say when the picture is saved.
fn close(keeper: Option<&Keeper>, end: End, note: &dyn Fn(&str)) {
    match (end, keeper) {
        (End::Diverged { step }, _) => eprintln!(
            "nst: the loss exploded at step {step}, again and again with ever smaller steps: the \
             last good picture is saved; lower --lr or --beta"
        ),
        (End::Stopped, Some(keeper)) => note(&keeper.hint()),
        (End::Finished, Some(keeper)) => keeper.finish(),
        (_, None) => {}
    }
}

/// The deepest layer a transfer looks at.
pub fn deepest(args: &Transfer) -> Result<nst::vgg::Layer, nst::SettingError> {
    inputs::job(args).deepest()
}

fn summarise(
    args: &Transfer,
    target: &Target,
    painted: &Painted,
    steps: usize,
    seconds: f64,
) -> anyhow::Result<()> {
    let (width, height) = (painted.picture.width, painted.picture.height);
    let out = &args.output;
    let (name, output) = if let Some(Part::Tile(caption)) = &out.part {
        (caption.clone(), None)
    } else {
        let path = target.path();
        (path.display().to_string(), Some(json_path(path)))
    };
    if !out.quiet {
        eprintln!("{name}: {width}x{height}, {steps} steps, {seconds:.1} s");
    }
    if out.json {
        let line = DoneLine {
            event: "done",
            output,
            width,
            height,
            steps,
            seconds,
        };
        print_event(&line, out.part.as_ref())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use nst::job::Size;

    use super::*;

    #[test]
    fn a_size_made_to_fit_takes_the_place_of_the_one_asked_for() {
        let mut flags = Flags::default();
        flags.set("area", &["9MP"]);
        let job = Job {
            size: Size::Long(300),
            ..Job::default()
        };
        let mut expected = Flags::default();
        expected.set("size", &["300"]);
        assert_eq!(sized(&flags, &job), expected);
    }
}
