use std::fmt;

use serde::Serialize;

use super::work::Outcome;

/// How many jobs ended how. In JSON the names are a contract.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    pub done: usize,
    /// There before the batch began.
    pub skipped: usize,
    pub failed: usize,
    /// Done by another process since the batch began.
    pub painted_by_another: usize,
    /// Still in another process' hands at the end.
    pub taken_by_another: usize,
    pub of_other_shards: usize,
    /// Interrupted, with the picture so far saved.
    pub unfinished: usize,
    pub not_begun: usize,
}

impl Tally {
    /// Counts a job that did not fail.
    pub fn count(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Done => &mut self.done,
            Outcome::Exists => &mut self.skipped,
            Outcome::Painted => &mut self.painted_by_another,
            Outcome::Taken => &mut self.taken_by_another,
            Outcome::Unfinished => &mut self.unfinished,
        };
        *count += 1;
    }

    /// The exit code of a batch that was not interrupted.
    pub fn exit_code(&self) -> u8 {
        if self.failed > 0 {
            1
        } else if self.taken_by_another > 0 {
            3
        } else {
            0
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            done,
            skipped,
            failed,
            painted_by_another,
            taken_by_another,
            of_other_shards,
            unfinished,
            not_begun,
        } = self;
        write!(f, "{done} done, {skipped} skipped, {failed} failed")?;
        for (count, what) in [
            (painted_by_another, "painted by another"),
            (taken_by_another, "still taken by another"),
            (of_other_shards, "of other shards"),
            (unfinished, "unfinished"),
            (not_begun, "not begun"),
        ] {
            if *count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}
