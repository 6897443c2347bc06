//! The same for a graphics card: seconds and launches by kernel, memory, and the gradient against the
//! CPU's.

use std::io::{self, Write};
use std::process::ExitCode;

use burn::tensor::Device;
use nst::device;
use nst::kernels::card::{launches, memory};
use serde::Serialize;

use super::Stepper;
use crate::cli::args::BenchArgs;
use crate::cli::devices;
use crate::cli::json::print_json;

/// Side of the picture whose gradient is compared, at most.
const COMPARED: usize = 256;

/// A kernel in one step.
#[derive(Debug, Serialize)]
struct Kernel {
    name: String,
    launches: usize,
    /// On the device, one kernel at a time.
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    adapter: String,
    model: String,
    size: usize,
    steps: u16,
    /// Wall time of the first step, in which kernels are compiled.
    first_seconds: f64,
    /// Mean and median wall time of the others.
    seconds: f64,
    median_seconds: f64,
    launches: usize,
    kernels: Vec<Kernel>,
    /// Device memory in living buffers between two steps, and the most that was reserved.
    in_use_mib: Option<f64>,
    reserved_mib: Option<f64>,
    /// Length of the gradient's difference from the CPU's, over its length.
    gradient_off: f32,
}

/// Measures and prints.
pub fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let (slot, adapter) = devices::usable(args.device.as_deref())?;
    let (device, _) = devices::start(slot)?;
    let report = measure(args, &device, adapter.to_string())?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&report)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(args: &BenchArgs, device: &Device, adapter: String) -> anyhow::Result<Report> {
    let gradient_off = compare(args, device)?;
    let mut stepper = Stepper::new(args.model, args.size, device);
    let (first_seconds, _) = stepper.step()?;
    let mut walls = Vec::new();
    for _ in 0..args.steps {
        walls.push(stepper.step()?.0);
    }
    let held = memory(device);
    let (result, seen) = launches(true, || stepper.step());
    result?;
    let kernels = seen.into_iter().map(|(name, launches)| Kernel {
        name,
        launches: launches.count,
        seconds: launches.time.as_secs_f64(),
    });
    let mut kernels: Vec<_> = kernels.collect();
    kernels.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let mean = walls.iter().sum::<f64>() / f64::from(args.steps);
    walls.sort_by(f64::total_cmp);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    Ok(Report {
        adapter,
        model: args.model.to_string(),
        size: args.size,
        steps: args.steps,
        first_seconds,
        seconds: mean,
        median_seconds: walls[walls.len() / 2],
        launches: kernels.iter().map(|kernel| kernel.launches).sum(),
        kernels,
        in_use_mib: held.map(|held| mib(held.in_use)),
        reserved_mib: held.map(|held| mib(held.reserved)),
        gradient_off,
    })
}

/// How far the card's gradient is from the CPU's.
fn compare(args: &BenchArgs, device: &Device) -> anyhow::Result<f32> {
    let size = args.size.min(COMPARED);
    let gradient = |device: &Device| Stepper::new(args.model, size, device).gradient();
    let (expected, found) = (gradient(&device::cpu())?, gradient(device)?);
    let length =
        |numbers: &mut dyn Iterator<Item = f32>| numbers.map(|v| v * v).sum::<f32>().sqrt();
    let off = length(&mut expected.iter().zip(&found).map(|(a, b)| a - b));
    Ok(off / length(&mut expected.iter().copied()))
}

fn print(report: &Report) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(
        out,
        "{}, {} px, {}: {:.4} s a step (median of {}: {:.4}), {:.2} s the first",
        report.model,
        report.size,
        report.adapter,
        report.seconds,
        report.steps,
        report.median_seconds,
        report.first_seconds,
    )?;
    writeln!(out, "\nkernel               launches   seconds")?;
    for kernel in &report.kernels {
        let Kernel {
            name,
            launches,
            seconds,
        } = kernel;
        writeln!(out, "{name:<20} {launches:>8} {seconds:>9.5}")?;
    }
    writeln!(out, "all                  {:>8}", report.launches)?;
    if let (Some(used), Some(reserved)) = (report.in_use_mib, report.reserved_mib) {
        writeln!(
            out,
            "\n{used:.0} MiB in use between steps, {reserved:.0} MiB reserved"
        )?;
    }
    writeln!(out, "gradient off the CPU's by {:.1e}", report.gradient_off)
}
