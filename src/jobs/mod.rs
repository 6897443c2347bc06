//! Lists of jobs in TOML and CSV: for each job the flags of the command line, by name.
//!
//! Nothing here knows which flags there are, so that every flag works in a list.

mod csv;
mod error;
mod toml;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

pub use error::{JobsError, Place};

/// What a list gives for a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// TOML's `true` or `false`, for a flag that takes no value.
    Switch(bool),
    /// One value, or several for a flag that may be repeated; never none.
    Values(Vec<String>),
}

/// Settings by the flag's long name, without its dashes.
pub type Settings = BTreeMap<String, Setting>;

/// A list of jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// What holds for every job that says nothing else.
    pub defaults: Settings,
    /// The jobs in order; job 1 is the first. Never empty.
    pub jobs: Vec<Settings>,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table `[[job]]` for each job, and a table `[defaults]`.
    Toml,
    /// A row for each job, under a row that names the flags; an empty cell gives nothing.
    Csv,
}

impl Format {
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

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Toml => "toml",
            Self::Csv => "csv",
        })
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(s: &str) -> Result<Self, UnknownFormat> {
        [Self::Toml, Self::Csv]
            .into_iter()
            .find(|format| format.to_string() == s)
            .ok_or_else(|| UnknownFormat(s.to_owned()))
    }
}

/// The text names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}`: use toml or csv")]
pub struct UnknownFormat(pub String);

/// Reads a list of jobs.
///
/// # Errors
///
/// The first thing that is wrong, with the job and the flag where there is one.
pub fn parse(text: &str, format: Format) -> Result<List, JobsError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let list = match format {
        Format::Toml => toml::parse(text),
        Format::Csv => csv::parse(text),
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
