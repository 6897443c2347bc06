//! `nst bench`: where the time of one step goes.

#[cfg(feature = "gpu")]
mod card;
mod stepper;

use std::io::{self, Write};
use std::process::ExitCode;

use nst::device;
use nst::kernels::phase;
use nst::kernels::{Isa, peak};
use serde::Serialize;

use crate::cli::args::BenchArgs;
use crate::cli::json::print_json;

pub use stepper::Stepper;

/// Seconds that each measurement of the peak takes.
const PEAK_SECONDS: f64 = 0.3;

/// One kind of work in a mean step.
#[derive(Debug, Serialize)]
struct Part {
    phase: &'static str,
    /// Wall time, the mean of all threads.
    seconds: f64,
    /// Of the step's time.
    share: f64,
    gflops: Option<f64>,
    /// Of the peak of all threads.
    of_peak: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Report {
    model: String,
    size: usize,
    threads: usize,
    isa: &'static str,
    steps: u16,
    /// Mean and median wall time of a step.
    seconds: f64,
    median_seconds: f64,
    peak_gflops_one_thread: f64,
    peak_gflops: f64,
    parts: Vec<Part>,
    /// The most memory the process had, where the system tells.
    peak_rss_mib: Option<f64>,
}

/// Measures and prints.
pub fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let threads = args.threads.map_or_else(device::threads, usize::from);
    device::set_threads_with_this(threads)?;
    #[cfg(feature = "gpu")]
    if args.backend == device::Backend::Gpu {
        return card::run(args);
    }
    let report = measure(args, threads)?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&report)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(args: &BenchArgs, threads: usize) -> anyhow::Result<Report> {
    let isa = Isa::chosen();
    let one = peak::flops(isa, 1, PEAK_SECONDS);
    let all = peak::flops(isa, threads, PEAK_SECONDS);
    let mut stepper = Stepper::new(args.model, args.size, &device::cpu());
    stepper.step()?;
    phase::take();
    let (mut walls, mut optimiser) = (Vec::new(), 0.0);
    for _ in 0..args.steps {
        let (wall, update) = stepper.step()?;
        walls.push(wall);
        optimiser += update;
    }
    let steps = f64::from(args.steps);
    let wall = walls.iter().sum::<f64>() / steps;
    let mut parts = Vec::new();
    for (phase, time, operations) in phase::take() {
        let seconds = time.as_secs_f64() / threads as f64 / steps;
        let flops = operations as f64 / steps / seconds;
        let counted = operations > 0 && seconds > 0.0;
        parts.push(Part {
            phase: phase.name(),
            seconds,
            share: seconds / wall,
            gflops: counted.then_some(flops / 1e9),
            of_peak: counted.then_some(flops / all),
        });
    }
    let mut plain = |phase, seconds: f64| {
        parts.push(Part {
            phase,
            seconds,
            share: seconds / wall,
            gflops: None,
            of_peak: None,
        });
    };
    plain("optimiser", optimiser / steps);
    let known: f64 = parts.iter().map(|part| part.seconds).sum();
    parts.push(Part {
        phase: "other",
        seconds: wall - known,
        share: 1.0 - known / wall,
        gflops: None,
        of_peak: None,
    });
    walls.sort_by(f64::total_cmp);
    Ok(Report {
        model: args.model.to_string(),
        size: args.size,
        threads,
        isa: isa.name(),
        steps: args.steps,
        seconds: wall,
        median_seconds: walls[walls.len() / 2],
        peak_gflops_one_thread: one / 1e9,
        peak_gflops: all / 1e9,
        parts,
        peak_rss_mib: peak_rss_mib(),
    })
}

fn print(report: &Report) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(
        out,
        "{}, {} px, {} threads, {}: {:.4} s a step (median of {}: {:.4})",
        report.model,
        report.size,
        report.threads,
        report.isa,
        report.seconds,
        report.steps,
        report.median_seconds,
    )?;
    writeln!(
        out,
        "peak {:.0} GFLOP/s with one thread, {:.0} with all",
        report.peak_gflops_one_thread, report.peak_gflops
    )?;
    writeln!(
        out,
        "\nphase            seconds   share   GFLOP/s   of peak"
    )?;
    for part in &report.parts {
        let rate = part.gflops.map_or(String::new(), |g| format!("{g:.0}"));
        let of_peak = part
            .of_peak
            .map_or(String::new(), |p| format!("{:.0} %", 100.0 * p));
        writeln!(
            out,
            "{:<15} {:>8.4} {:>5.1} % {rate:>9} {of_peak:>9}",
            part.phase,
            part.seconds,
            100.0 * part.share
        )?;
    }
    if let Some(rss) = report.peak_rss_mib {
        writeln!(out, "\npeak RSS {rss:.0} MiB")?;
    }
    Ok(())
}

/// The process's peak resident memory, on Linux.
fn peak_rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
