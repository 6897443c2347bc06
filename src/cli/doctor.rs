//! `nst doctor`: what this machine will paint with, how large and how fast, on one screen.

mod pace;
mod weights;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use nst::device::{self, Backend};
use nst::job::{InputSizes, Size};
use nst::kernels::Isa;
use nst::memory::Bounds;
use nst::{Job, memory};

use crate::cli::devices;
use crate::cli::listing::Listing;
use crate::cli::memory::said;

/// The photo and the painting that sizes and times are told of, in pixels: of 12 megapixels.
const PICTURE: (usize, usize) = (4000, 3000);
/// Longest side that is looked at, in pixels.
const LARGEST: usize = 1 << 15;

/// Prints it. The exit code is 1 where a run with the defaults would not find its weights.
pub fn run() -> anyhow::Result<ExitCode> {
    let threads = device::threads();
    device::set_threads_with_this(threads)?;
    let mut out = Listing::default();
    row(&mut out, "version", build())?;
    let processor = device::processor().unwrap_or_else(|| "of unknown name".to_owned());
    let isa = Isa::chosen();
    let cpu = format_args!("{processor}, {threads} threads, {isa}", isa = isa.name());
    row(&mut out, "cpu", cpu)?;
    let listed = devices::listed();
    let usable = devices::fastest(&listed);
    if let Err(error) = &usable {
        row(&mut out, "gpu", error)?;
    }
    for (number, (_, card)) in listed.into_iter().enumerate() {
        let name = format!("gpu {number}");
        match card {
            Ok(adapter) => row(&mut out, &name, adapter)?,
            Err(error) => row(&mut out, &name, error)?,
        }
    }
    let auto = usable.map_or(Backend::Cpu, |_| Backend::Gpu);
    let default = Backend::default();
    let backend = format_args!("{default} without --backend; --backend auto means {auto} here");
    row(&mut out, "backend", backend)?;
    let usable = weights::rows(|network, text| row(&mut out, network, text))?;
    sizes(&mut out)?;
    row(&mut out, "time", time()?)?;
    Ok(ExitCode::from(u8::from(!usable)))
}

fn row(out: &mut Listing, name: &str, text: impl Display) -> io::Result<()> {
    writeln!(out, "{name:<9} {text}")
}

/// The version, what it runs on, and the features it was built with.
fn build() -> String {
    let features = [
        ("builtin-weights", cfg!(feature = "builtin-weights")),
        ("gpu", cfg!(feature = "gpu")),
        ("ndarray", cfg!(feature = "ndarray")),
    ];
    let built = features.iter().filter(|(_, on)| *on);
    let built: Vec<_> = built.map(|(name, _)| *name).collect();
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let version = env!("CARGO_PKG_VERSION");
    let with = if built.is_empty() {
        "none of its optional parts".to_owned()
    } else {
        built.join(", ")
    };
    format!("nst {version} for {os} {arch}, built with {with}")
}

/// The free memory, and the largest picture that fits into it.
fn sizes(out: &mut Listing) -> anyhow::Result<()> {
    let Some(free) = memory::free() else {
        row(out, "memory", "this system does not say how much is free")?;
        return Ok(());
    };
    row(out, "memory", format_args!("{} free", said(free)))?;
    let job = Job {
        size: Size::Long(LARGEST),
        ..Job::default()
    };
    let bounds = Bounds {
        memory: Some(free),
        card: None,
        buffer: None,
    };
    let size = memory::largest_size(&job, &pictures(), bounds)?;
    let size = match size.map(Size::length) {
        Some(LARGEST) => format!("{LARGEST} and more"),
        Some(side) => side.to_string(),
        None => "none".to_owned(),
    };
    let size = format_args!("--size to {size}, in tiles where it is too large as a whole");
    row(out, "largest", size)?;
    Ok(())
}

fn time() -> anyhow::Result<String> {
    let job = Job::default();
    let seconds = pace::measure(job.model)?.seconds(&job.plan(&pictures())?);
    let seconds = if seconds < 10.0 {
        format!("{seconds:.1}")
    } else {
        format!("{seconds:.0}")
    };
    let basis = format!("an estimate, from steps at {} px just now", pace::SIDE);
    let size = job.size;
    Ok(format!(
        "about {seconds} s for a picture of {size} px on the cpu: {basis}"
    ))
}

fn pictures() -> InputSizes {
    InputSizes {
        content: PICTURE,
        styles: vec![PICTURE],
        ..InputSizes::default()
    }
}
