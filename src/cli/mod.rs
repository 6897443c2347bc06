//! Flags into jobs, and what is printed on the way.

mod args;
mod batch;
mod bench;
mod command_line;
mod devices;
mod doctor;
mod fault;
mod first;
mod flags;
mod frame_names;
mod inputs;
mod interrupt;
mod jobs;
mod json;
mod listing;
mod manual;
mod memory;
mod names;
mod networks;
mod observers;
mod output;
mod outputs;
mod paint;
mod plan;
mod provenance;
mod replay;
mod report;
mod reports;
mod say;
#[cfg(feature = "studio")]
mod studio;
mod sweep;
mod weights;

pub use fault::{describe, failure};
pub use say::warn;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Command};
use flags::Flags;

/// Does what the command line asks for.
pub fn run() -> anyhow::Result<ExitCode> {
    interrupt::outlive_file_limits()?;
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some(answer) = first::answer(&arguments) {
        say::line(answer);
        // Nothing was painted: a script whose file names are empty must not take that for success.
        return Ok(ExitCode::from(2));
    }
    let command = Cli::command();
    let matches = command.clone().get_matches();
    let cli = Cli::from_arg_matches(&matches)?;
    match cli.command {
        Some(Command::Batch(args)) => batch::run(&args),
        Some(Command::Replay(args)) => replay::run(&args),
        #[cfg(feature = "studio")]
        Some(Command::Studio(args)) => studio::run(&args),
        Some(Command::Bench(args)) => bench::run(&args),
        Some(Command::Plan(args)) => plan::run(&args.flagged()),
        Some(Command::Doctor) => doctor::run(),
        Some(Command::ProbeGpu { slot }) => devices::probe(slot),
        Some(Command::BatchWorker { slot }) => batch::work_for_a_parent(slot),
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
        None => {
            let flags = Flags::given(&command, &matches);
            let transfer = cli.transfer.flagged();
            match &transfer.output.sweep {
                Some(sweep) => sweep::run(sweep, &transfer, &flags),
                None => paint::run(&transfer, &flags),
            }
        }
    }
}
