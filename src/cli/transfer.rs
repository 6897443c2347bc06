use std::process::ExitCode;
use std::time::Instant;

use nst::checkpoint::Passport;
use nst::vgg::Vgg;
use nst::weights::{Choice, Places};
use nst::{End, Painted, device, weights};

use super::args::Transfer;
use super::frames::Frames;
use super::keeper::Keeper;
use super::output::Target;
use super::progress::{DoneLine, Progress, print_json};
use super::signals::Interrupt;
use super::weights::Terminal;
use super::{devices, inputs};

/// Paints one picture.
pub fn run(args: &Transfer) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let mut job = inputs::job(args);
    job.check()?;
    let out = &args.output;
    let files = inputs::files(args)?;
    let mut keeper = Keeper::new(out)?;
    // A run that goes on made the picture that lies there when it was interrupted.
    let overwrite = out.overwrite || keeper.as_ref().is_some_and(Keeper::resumes);
    let target = Target::new(args.pictures.output.as_deref(), &files, overwrite)?;
    let interrupt = Interrupt::listen()?;
    let threads = args
        .hardware
        .threads
        .map_or_else(device::physical_cores, usize::from);
    device::set_threads(threads)?;

    let note = |text: &str| {
        if !out.quiet {
            eprintln!("note: {text}");
        }
    };
    let pictures = inputs::read(args, &note)?;
    job.init = inputs::init(&args.pictures.init, &note)?;
    let plan = job.plan(&(&pictures).into())?;

    let mut places = Places::of_this_process();
    if args.style.offline {
        places.network = None;
    }
    let spoken = Terminal::new(out.quiet);
    let weights = weights::find(
        &args.style.weights.clone().unwrap_or(Choice::Auto),
        job.model,
        plan.deepest,
        &places,
        &spoken,
    )?;
    let (device, remark) = devices::open(args.hardware.backend)?;
    if let Some(remark) = remark {
        note(&remark);
    }
    let state = match &mut keeper {
        Some(keeper) => {
            let backend = args.hardware.backend.name();
            let passport = Passport::new(&job, &pictures, &weights.digest(), backend);
            keeper.begin(&job, &plan, passport, &device)?
        }
        None => None,
    };
    let vgg = Vgg::new(weights, &device);

    let frames = Frames::new(out, &target, plan.steps(), plan.size())?;
    let mut progress = Progress::new(
        plan.steps(),
        out.quiet,
        out.json,
        frames,
        keeper.as_ref(),
        &interrupt,
    );
    let painted = nst::resume(&job, &pictures, &vgg, state, &mut progress);
    let ended = progress.finish();
    let painted = painted?;
    target.save(&painted.picture)?;
    let (steps, frames) = ended?;
    frames.finish(&painted.picture)?;
    if let Some(keeper) = &keeper {
        match painted.end {
            End::Finished => keeper.finish(),
            End::Stopped | End::Diverged { .. } => note(&keeper.hint()),
        }
    }
    summarise(
        args,
        &target,
        &painted,
        steps,
        start.elapsed().as_secs_f64(),
    )?;
    Ok(exit_code(&painted, &interrupt))
}

fn exit_code(painted: &Painted, interrupt: &Interrupt) -> ExitCode {
    if let End::Diverged { step } = painted.end {
        eprintln!(
            "nst: the loss exploded at step {step}, again and again with ever smaller steps: the \
             last good picture is saved; lower --lr or --beta"
        );
        return ExitCode::FAILURE;
    }
    interrupt
        .exit_code()
        .map_or(ExitCode::SUCCESS, ExitCode::from)
}

fn summarise(
    args: &Transfer,
    target: &Target,
    painted: &Painted,
    steps: usize,
    seconds: f64,
) -> anyhow::Result<()> {
    let (width, height) = (painted.picture.width, painted.picture.height);
    let path = target.path();
    if !args.output.quiet {
        eprintln!(
            "{}: {width}x{height}, {steps} steps, {seconds:.1} s",
            path.display()
        );
    }
    if args.output.json {
        print_json(&DoneLine {
            event: "done",
            output: path.to_path_buf(),
            width,
            height,
            steps,
            seconds,
        })?;
    }
    Ok(())
}
