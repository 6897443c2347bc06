//! `nst plan`: what a transfer would do.

use std::io::Write;
use std::process::ExitCode;

use nst::Job;
use nst::device::Backend;
use nst::job::{InputSizes, Plan, Scale};
use nst::kernels::{Isa, peak};
use nst::loss::StyleLoss;
use nst::tiles::Tiling;
use nst::vgg::Layer;

use crate::cli::args::Transfer;
use crate::cli::devices;
use crate::cli::inputs::{self, Reader};
use crate::cli::listing::Listing;
use crate::cli::memory::{limit, needed, said};
use crate::cli::paint;
use crate::cli::say;

/// Share of the machine's peak that a step reaches, counted in the operations of a direct
/// convolution: more than 1, because Winograd's needs fewer. Measured with `nst bench`.
const EFFICIENCY: f64 = 2.2;
/// Share of it that the transport of covariances reaches, in float64.
const TRANSPORT_EFFICIENCY: f64 = 0.22;
/// Products of matrices that a transport takes as long as: six iterations, of two inverses but for the last.
const TRANSPORT_PRODUCTS: f64 = 11.0;
/// Seconds that measuring the peak takes.
const PEAK_SECONDS: f64 = 0.2;

/// Prints scales, layers, memory and time.
pub fn run(args: &Transfer) -> anyhow::Result<ExitCode> {
    paint::check(args)?;
    let mut job = inputs::job(args);
    let note = |text: &str| say::note(text);
    let reader = Reader::new(args, &note);
    let sizes = inputs::sizes(args, &inputs::read(args, &reader)?);
    job.init = inputs::init(args, &reader)?;
    let backend = devices::effective(&args.hardware);
    let fitted = crate::cli::memory::plan(&args.hardware, backend, &mut job, &sizes, &note);
    let plan = match &fitted {
        Ok(plan) => plan.clone(),
        Err(_) => job.plan(&sizes)?,
    };
    let mut out = Listing::default();
    writeln!(out, "scale  result       styles              steps")?;
    for (k, scale) in (1..).zip(&plan.scales) {
        let side = |&(width, height): &(usize, usize)| format!("{width}x{height}");
        let styles: Vec<_> = scale.styles.iter().map(side).collect();
        let (size, styles) = (side(&scale.size), styles.join(" "));
        writeln!(out, "{k:<6} {size:<12} {styles:<19} {}", scale.steps)?;
    }
    let names = |list: &[nst::loss::LayerWeight]| {
        let names: Vec<_> = list.iter().map(ToString::to_string).collect();
        names.join(" ")
    };
    writeln!(out, "content layers: {}", names(&job.loss.content_layers))?;
    writeln!(out, "style layers:   {}", names(&job.loss.style_layers))?;
    for tiles in plan.scales.iter().filter_map(tiles) {
        writeln!(out, "tiles:          {tiles}")?;
    }
    if backend != Backend::Ndarray {
        let needed = said(needed(backend, &job, &plan, &sizes));
        let limit = limit(&args.hardware, backend).map_or("unknown".to_owned(), said);
        writeln!(out, "memory:         about {needed} of {limit}")?;
    }
    if backend == Backend::Cpu {
        writeln!(
            out,
            "time:           about {}",
            time(args, &job, &plan, &sizes)
        )?;
    }
    fitted?;
    Ok(ExitCode::SUCCESS)
}

/// How a scale is cut, for people; nothing if it is not.
fn tiles(scale: &Scale) -> Option<String> {
    let (width, height) = scale.size;
    let Tiling { side, halo } = scale.tiling;
    let side = side?;
    let tiles = scale.tiling.of([height, width]).len();
    let work = scale.tiling.work([height, width]);
    Some(format!(
        "{width}x{height} in {tiles} of {side} px and {halo} px around: {work:.1} times the work of a whole picture"
    ))
}

/// The time of all steps, for people, from the peak of this machine.
fn time(args: &Transfer, job: &Job, plan: &Plan, sizes: &InputSizes) -> String {
    let peak = peak::flops(Isa::chosen(), args.hardware.threads(), PEAK_SECONDS);
    let layers = || job.model.layers_to(plan.deepest);
    let work: f64 = plan
        .scales
        .iter()
        .map(|scale| {
            let step: f64 = layers().map(operations).sum();
            step * scale.steps as f64 * scale.work()
        })
        .sum();
    let transports = match job.loss.style_loss {
        StyleLoss::Gram => 0,
        StyleLoss::Wasserstein => sizes.regions.max(1) * plan.steps(),
    };
    let style = job.loss.style_layers.iter();
    let transport: f64 = style.map(|l| transport_operations(l.layer)).sum();
    let transports = transports as f64 * transport / TRANSPORT_EFFICIENCY;
    let seconds = (work / EFFICIENCY + transports) / peak;
    if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}

/// Floating-point operations of one layer's direct convolution for a pixel of the picture, forward
/// and backward.
fn operations(layer: Layer) -> f64 {
    let operations = 2.0 * 18.0 * (layer.inputs() * layer.outputs()) as f64;
    operations / f64::from(1 << (2 * layer.halvings()))
}

/// Floating-point operations that compare the covariances of a style layer.
fn transport_operations(layer: Layer) -> f64 {
    TRANSPORT_PRODUCTS * 2.0 * (layer.outputs() as f64).powi(3)
}
