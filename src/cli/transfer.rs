use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use nst::picture::{self, Limits};
use nst::{Init, Job, Picture, device, stylize, weights};

use super::Usage;
use super::args::Transfer;
use super::flags::Flags;
use super::networks::Networks;
use super::output::{self, Target};
use super::progress::{DoneLine, Progress, print_json};
use super::provenance::Provenance;
use super::signals::Interrupt;

/// Paints one picture. `flags` are those that `args` were parsed from.
pub fn run(args: &Transfer, flags: &Flags) -> anyhow::Result<ExitCode> {
    check(args)?;
    let target = Target::new(args, args.output.overwrite)?;
    let interrupt = Interrupt::listen()?;
    set_threads(args)?;
    paint(args, flags, target, &mut Networks::default(), &interrupt)?;
    Ok(interrupt
        .exit_code()
        .map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// Checks what the flags alone tell.
pub fn check(args: &Transfer) -> anyhow::Result<()> {
    inputs(args)?;
    job(args).check()?;
    output::check(args)
}

/// Sets the number of threads of the process, once.
pub fn set_threads(args: &Transfer) -> anyhow::Result<()> {
    let threads = args.hardware.threads.map(usize::from);
    device::set_threads(threads.unwrap_or_else(device::physical_cores))?;
    Ok(())
}

/// Paints one picture to a checked target; gives the step after which it was interrupted.
pub fn paint(
    args: &Transfer,
    flags: &Flags,
    target: Target,
    networks: &mut Networks,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<usize>> {
    let start = Instant::now();
    let out = &args.output;
    let note = |text: &str| {
        if !out.quiet {
            eprintln!("note: {text}");
        }
    };
    let (content, style) = inputs(args)?;
    let reader = Reader::new(args, &note);
    let content = reader.read(content)?;
    let style = reader.read(style)?;
    let mut job = job(args);
    job.init = init(&args.pictures.init, &reader)?;
    job.plan((content.width, content.height), (style.width, style.height))?;

    let network = networks.get(args, job.deepest()?, &note)?;
    let target = target.describing(if out.no_provenance {
        None
    } else {
        let weights = network.record()?.clone();
        Some(Provenance::new(flags, reader.digests.take(), weights))
    });

    let frames = out.save_every.map(|every| (every as usize, &target));
    let mut progress = Progress::new(job.steps, out.quiet, out.json, frames, interrupt);
    let result = stylize(&job, &content, &style, &network.vgg, &mut progress);
    let stopped_after = progress.stopped_after();
    let steps = progress.finish();
    let result = result?;
    target.save(&result, stopped_after)?;
    let steps = steps?;
    summarise(args, &target, &result, steps, start.elapsed().as_secs_f64())?;
    Ok(stopped_after)
}

/// The deepest layer a transfer looks at.
pub fn deepest(args: &Transfer) -> Result<nst::vgg::Layer, nst::JobError> {
    job(args).deepest()
}

fn summarise(
    args: &Transfer,
    target: &Target,
    result: &Picture,
    steps: usize,
    seconds: f64,
) -> anyhow::Result<()> {
    let (width, height) = (result.width, result.height);
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

fn inputs(args: &Transfer) -> Result<(&Path, &Path), Usage> {
    let content = given("--content", args.pictures.content.as_deref())?;
    let style = given("--style", args.pictures.style.as_deref())?;
    Ok((content, style))
}

fn given<'a>(flag: &str, path: Option<&'a Path>) -> Result<&'a Path, Usage> {
    path.ok_or_else(|| Usage(format!("{flag} FILE is missing")))
}

fn job(args: &Transfer) -> Job {
    Job {
        model: args.style.model,
        alpha: args.style.alpha,
        beta: args.style.beta,
        steps: args.optimisation.steps,
        lr: args.optimisation.lr,
        size: args.pictures.size,
        content_layers: args.style.content_layer.clone(),
        style_layers: args.style.style_layers.clone(),
        normalisation: args.style.loss,
        scales: args.optimisation.scales,
        method: args.optimisation.optimizer,
        init: Init::Content,
        seed: args.pictures.seed,
    }
}

fn init(given: &Path, reader: &Reader<'_>) -> anyhow::Result<Init> {
    Ok(match given.to_str() {
        Some("content") => Init::Content,
        Some("style") => Init::Style,
        Some("noise") => Init::Noise,
        _ => Init::Picture(
            reader
                .read(given)
                .context("--init is none of content, style, noise")?,
        ),
    })
}

/// Reads pictures and keeps the digests of their files.
struct Reader<'a> {
    limits: Limits,
    note: &'a dyn Fn(&str),
    /// SHA-256 by name as given; stays empty without provenance.
    digests: RefCell<BTreeMap<String, String>>,
    keep: bool,
}

impl<'a> Reader<'a> {
    fn new(args: &Transfer, note: &'a dyn Fn(&str)) -> Self {
        let max_pixels = u64::from(args.pictures.max_pixels) * 1_000_000;
        Self {
            limits: Limits { max_pixels },
            note,
            digests: RefCell::default(),
            keep: !args.output.no_provenance,
        }
    }

    fn read(&self, path: &Path) -> anyhow::Result<Picture> {
        let picture = picture::decode(path, &self.limits)?;
        for text in &picture.notes {
            (self.note)(&format!("{}: {text}", path.display()));
        }
        if self.keep {
            let name = path.to_string_lossy().into_owned();
            let digest = weights::sha256(path)?;
            self.digests.borrow_mut().insert(name, digest);
        }
        Ok(picture)
    }
}
