//! The command line `nst`.
#![deny(clippy::print_stderr, clippy::print_stdout)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            cli::warn(cli::describe(&error));
            cli::failure(&error)
        }
    }
}
