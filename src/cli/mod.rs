//! Flags into jobs, and what is printed on the way.

mod args;
mod batch;
mod bench;
mod devices;
mod flags;
mod frames;
mod inputs;
mod keeper;
mod manual;
mod memory;
mod networks;
mod output;
mod plan;
mod progress;
mod provenance;
mod replay;
mod signals;
mod sweep;
mod transfer;
mod weights;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Command};
use flags::Flags;

/// A flag or a combination of flags that cannot be: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Does what the command line asks for.
pub fn run() -> anyhow::Result<ExitCode> {
    let command = Cli::command();
    let matches = command.clone().get_matches();
    let cli = Cli::from_arg_matches(&matches)?;
    match cli.command {
        Some(Command::Batch(args)) => batch::run(&args),
        Some(Command::Replay(args)) => replay::run(&args),
        Some(Command::Bench(args)) => bench::run(&args),
        Some(Command::Plan(args)) => plan::run(&args),
        Some(Command::Devices) => devices::list(),
        Some(Command::ProbeGpu) => devices::probe(),
        Some(Command::Weights(args)) => {
            weights::run(args)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Completions(args)) => {
            manual::completions(&args)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Man(args)) => {
            manual::man(&args)?;
            Ok(ExitCode::SUCCESS)
        }
        None => transfer::run(&cli.transfer, &Flags::given(&command, &matches)),
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

/// An error with its causes on one line, each said once: many name their cause themselves.
pub fn describe(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |mut said, cause| {
        let cause = cause.to_string();
        if said.is_empty() {
            return cause;
        }
        if !said.contains(&cause) {
            said.push_str(": ");
            said.push_str(&cause);
        }
        said
    })
}
