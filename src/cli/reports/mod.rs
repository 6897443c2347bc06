//! `--report`: a page that tells of a run, a sweep or a batch, in one file that needs nothing else.

mod batch;
mod curves;
mod escape;
mod html;
mod image;
mod recorder;

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use nst::files::{FileError, Pending};

use crate::cli::command_line;
use crate::cli::flags::Flags;
use crate::cli::outputs::is_unfinished_report;

pub use batch::{BatchLog, Row};
pub use curves::svg;
pub use image::Image;
pub use recorder::{Record, Recorder};

/// A page, ready to be written.
pub struct Report {
    html: String,
}

impl Report {
    /// The page of one run.
    ///
    /// # Errors
    ///
    /// Flags that cannot be printed.
    pub fn of_run(recorder: Recorder, flags: &Flags) -> anyhow::Result<Self> {
        let record = recorder.done.into_iter().next().unwrap_or_default();
        Ok(Self::of_record(&record, &command_line::quoted(flags)?))
    }

    /// The page of one transfer that a command line asked for.
    pub fn of_record(record: &Record, command: &str) -> Self {
        let unfinished = record.remark.is_some();
        let body = html::run(record, command);
        let html = html::page(&record.name, unfinished, &body);
        Self { html }
    }

    /// The page of a sweep, such as `beta=3,10`, that a command line asked for.
    pub fn of_sweep(sweep: &str, records: &[Record], command: &str) -> Self {
        let unfinished = records.iter().any(|record| record.remark.is_some());
        let body = html::sweep(sweep, records, command);
        let html = html::page(sweep, unfinished, &body);
        Self { html }
    }

    /// The whole text.
    #[cfg(feature = "studio")]
    pub fn into_html(self) -> String {
        self.html
    }

    /// Writes the page, over an earlier one if that may be or tells of an unfinished run.
    ///
    /// # Errors
    ///
    /// The picture is saved, the page is not.
    pub fn write(&self, path: &Path, overwrite: bool) -> anyhow::Result<()> {
        let overwrite = overwrite || is_unfinished_report(path);
        let written = || -> Result<(), FileError> {
            let pending = Pending::beside(path)?;
            let mut file = pending.file();
            file.write_all(self.html.as_bytes())
                .map_err(|source| FileError::NotWritten {
                    path: path.to_owned(),
                    source,
                })?;
            pending.install(overwrite)
        };
        written().context("--report: what was painted is saved, but the report is not")
    }
}
