use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use nst::picture::{self, Limits};
use nst::vgg::Vgg;
use nst::weights::{Choice, Places};
use nst::{Init, Job, Picture, device, stylize, weights};

use super::args::Transfer;
use super::output::Target;
use super::progress::{DoneLine, Progress, print_json};
use super::signals::Interrupt;
use super::weights::Terminal;
use super::{Usage, devices};

/// Paints one picture.
pub fn run(args: &Transfer) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let (content, style) = inputs(args)?;
    let mut job = job(args);
    job.check()?;
    let out = &args.output;
    let target = Target::new(
        args.pictures.output.as_deref(),
        content,
        style,
        out.overwrite,
    )?;
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
    let content = read(content, &note)?;
    let style = read(style, &note)?;
    job.init = init(&args.pictures.init, &note)?;
    job.plan((content.width, content.height), (style.width, style.height))?;

    let mut places = Places::of_this_process();
    if args.style.offline {
        places.network = None;
    }
    let spoken = Terminal::new(out.quiet);
    let weights = weights::find(
        &args.style.weights.clone().unwrap_or(Choice::Auto),
        job.model,
        job.deepest()?,
        &places,
        &spoken,
    )?;
    let (device, remark) = devices::open(args.hardware.backend)?;
    if let Some(remark) = remark {
        note(&remark);
    }
    let vgg = Vgg::new(weights, &device);

    let frames = out.save_every.map(|every| (every as usize, &target));
    let mut progress = Progress::new(job.steps, out.quiet, out.json, frames, &interrupt);
    let result = stylize(&job, &content, &style, &vgg, &mut progress);
    let steps = progress.finish();
    let result = result?;
    target.save(&result)?;
    let steps = steps?;
    summarise(args, &target, &result, steps, start.elapsed().as_secs_f64())?;
    Ok(interrupt
        .exit_code()
        .map_or(ExitCode::SUCCESS, ExitCode::from))
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

fn init(given: &Path, note: &dyn Fn(&str)) -> anyhow::Result<Init> {
    Ok(match given.to_str() {
        Some("content") => Init::Content,
        Some("style") => Init::Style,
        Some("noise") => Init::Noise,
        _ => Init::Picture(read(given, note).context("--init is none of content, style, noise")?),
    })
}

fn read(path: &Path, note: &dyn Fn(&str)) -> anyhow::Result<Picture> {
    let picture = picture::decode(path, &Limits::default())?;
    for text in &picture.notes {
        note(&format!("{}: {text}", path.display()));
    }
    Ok(picture)
}
