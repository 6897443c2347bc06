//! Lists of jobs in TOML and CSV: for each job the flags of the command line, by name.
//!
//! Nothing here knows which flags there are, so that every flag works in a list.

mod csv;
mod error;
mod toml;

use std::collections::BTreeMap;

use clap::ValueEnum;

pub use error::{JobsError, Section};

/// What a list gives for a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlagValue {
    /// TOML's `true` or `false`, for a flag that takes no value.
    Switch(bool),
    /// One value, or several for a flag that may be repeated; never none.
    Values(Vec<String>),
    /// What stands in a cell of a CSV file, never empty: the values of a flag that may be repeated
    /// are separated by `;`, and a switch is `true` or `false`.
    Cell(String),
}

/// Values by the flag's long name, without its dashes.
pub type FlagTable = BTreeMap<String, FlagValue>;

/// A list of jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// What holds for every job that says nothing else.
    pub defaults: FlagTable,
    /// The jobs in order; job 1 is the first. Never empty.
    pub jobs: Vec<FlagTable>,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A table `[[job]]` for each job, and a table `[defaults]`.
    Toml,
    /// A row for each job, under a row that names the flags; an empty cell gives nothing.
    Csv,
}

impl ListFormat {
    /// The format a text seems to have: TOML if its first line that is neither blank nor a comment
    /// starts with `[` or has a `=`.
    pub fn guess(text: &str) -> Self {
        let first = text
            .lines()
            .map(|line| line.trim_start_matches('\u{feff}').trim())
            .find(|line| !line.is_empty() && !line.starts_with('#'));
        match first {
            Some(line) if line.starts_with('[') || line.contains('=') => Self::Toml,
            _ => Self::Csv,
        }
    }
}

/// Reads a list of jobs.
///
/// # Errors
///
/// The first thing that is wrong, with the job and the flag where there is one.
pub fn parse(text: &str, format: ListFormat) -> Result<List, JobsError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let list = match format {
        ListFormat::Toml => toml::parse(text),
        ListFormat::Csv => csv::parse(text),
    }?;
    if list.jobs.is_empty() {
        return Err(JobsError::Empty);
    }
    Ok(list)
}

/// Whether a flag could have this name: letters, digits and dashes, a letter first.
fn is_flag(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(allowed)
}

#[cfg(test)]
mod tests;
