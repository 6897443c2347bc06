//! Flags into jobs, and what is printed on the way.

mod args;
mod bench;
mod devices;
mod output;
mod progress;
mod signals;
mod transfer;
mod weights;

use std::process::ExitCode;

pub use args::Cli;
use args::Command;

/// A flag or a combination of flags that cannot be: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Does what the command line asks for.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Some(Command::Bench(args)) => bench::run(&args),
        Some(Command::Devices) => Ok(devices::list()),
        Some(Command::ProbeGpu) => devices::probe(),
        Some(Command::Weights(args)) => {
            weights::run(args)?;
            Ok(ExitCode::SUCCESS)
        }
        None => transfer::run(&cli.transfer),
    }
}

/// The exit code of an error: 2 for wrong usage, 1 for everything else.
pub fn failure(error: &anyhow::Error) -> ExitCode {
    let usage = error.chain().any(|cause| {
        cause.is::<Usage>()
            || cause.is::<nst::JobError>()
            || matches!(cause.downcast_ref(), Some(nst::Error::Job(_)))
    });
    ExitCode::from(if usage { 2 } else { 1 })
}
