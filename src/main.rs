//! The command line `nst`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("nst: {}", cli::describe(&error));
            cli::failure(&error)
        }
    }
}
