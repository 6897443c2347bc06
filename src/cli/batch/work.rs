//! One job of a batch: whether it is to be done, and doing it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nst::files::Claim;
use nst::picture;
use serde::{Deserialize, Serialize};

use super::hand::Terms;
use crate::cli::args::{Part, Transfer};
use crate::cli::flags::Flags;
use crate::cli::networks::Networks;
use crate::cli::observers::{Audience, Interrupt};
use crate::cli::output::{self, Target};
use crate::cli::paint;
use crate::cli::provenance::is_unfinished;
use crate::cli::say;

/// A checked job.
#[derive(Debug)]
pub struct Work {
    /// Its place in the list, from 1.
    pub number: usize,
    /// What it asks for.
    pub transfer: Transfer,
    /// The flags it was made of.
    pub flags: Flags,
    /// Where its picture goes.
    pub output: PathBuf,
    /// When what is at `output` was written, as seen when the batch began.
    pub seen: Option<SystemTime>,
}

/// How a job ended, if not with an error. In JSON the names are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its picture is painted.
    Done,
    /// Its picture was there before the batch began.
    Exists,
    /// Another process has painted it since the batch began.
    Painted,
    /// Another process has claimed it.
    Taken,
    /// Interrupted, with the picture so far saved.
    Unfinished,
}

/// What is at an output.
enum There {
    Nothing,
    Picture(Outcome),
    /// Saved before the last step, by a run that was interrupted or whose loss exploded.
    Beginning,
}

impl Work {
    /// A job for this transfer.
    pub fn new(number: usize, mut transfer: Transfer, flags: Flags) -> Self {
        transfer.output.part = Some(Part::Job(number));
        let output = output::path(&transfer);
        Self {
            number,
            transfer,
            flags,
            seen: written(&output),
            output,
        }
    }

    /// Whether there was something at the output when the batch began.
    pub fn is_there(&self) -> bool {
        self.seen.is_some()
    }

    /// Does the job, unless it is done or another process does it.
    pub fn run(
        &self,
        terms: Terms,
        networks: &mut Networks,
        interrupt: &Interrupt,
        audience: &mut dyn Audience,
    ) -> anyhow::Result<Outcome> {
        let settled = |there: &There| match there {
            There::Picture(Outcome::Exists) if self.transfer.output.overwrite => None,
            There::Picture(outcome) => Some(*outcome),
            There::Nothing | There::Beginning => None,
        };
        if let Some(outcome) = settled(&self.there())
            && !Claim::is_marked(&self.output)
        {
            return Ok(outcome);
        }
        let _held = match terms.claims.then(|| self.claim()).transpose()? {
            Some(None) => return Ok(Outcome::Taken),
            claim => claim.flatten(),
        };
        let there = self.there();
        if let Some(outcome) = settled(&there) {
            return Ok(outcome);
        }
        let again = matches!(there, There::Beginning);
        let target = Target::new(&self.transfer, self.transfer.output.overwrite || again)?;
        self.announce(terms.total);
        let (transfer, flags) = (&self.transfer, &self.flags);
        match paint::paint(transfer, flags, target, networks, interrupt, audience)? {
            paint::Outcome::Finished => Ok(Outcome::Done),
            paint::Outcome::Stopped { step } => {
                self.warn(step);
                Ok(Outcome::Unfinished)
            }
            paint::Outcome::Diverged { step } => Err(anyhow::anyhow!(
                "{}: the loss exploded at step {step}, and the picture is the last good one",
                self.output.display()
            )),
        }
    }

    /// The claim on the output; none if another process has it.
    fn claim(&self) -> anyhow::Result<Option<Claim>> {
        Claim::take(&self.output).or_else(|error| {
            // Where the folder itself is wrong, that is the better reason.
            let inputs = output::inputs(&self.transfer)?;
            picture::check_output(&self.output, &output::paths(&inputs), true)?;
            Err(error.into())
        })
    }

    fn there(&self) -> There {
        let now = written(&self.output);
        if now.is_none() {
            There::Nothing
        } else if is_unfinished(&self.output) {
            There::Beginning
        } else if now == self.seen {
            There::Picture(Outcome::Exists)
        } else {
            There::Picture(Outcome::Painted)
        }
    }

    fn announce(&self, total: usize) {
        if !self.transfer.output.quiet {
            let output = self.output.display();
            say::line(format_args!("job {} of {total}: {output}", self.number));
        }
    }

    fn warn(&self, step: usize) {
        let next = if self.transfer.output.no_provenance {
            "delete it to have it painted again"
        } else {
            "the next batch paints it again"
        };
        let path = self.output.display();
        say::warn(format_args!(
            "{path} is the picture after step {step}: {next}"
        ));
    }
}

/// When the file was written; none if there is no file.
fn written(path: &Path) -> Option<SystemTime> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some(metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH))
}
