//! Whoever does the jobs, one after another, and says how each ended.

use nst::device::DeviceError;
use serde::{Deserialize, Serialize};

use super::work::{Outcome, Work};
use crate::cli::fault::{Interrupted, describe};
use crate::cli::networks::Networks;
use crate::cli::observers::{Audience, Interrupt, Nobody};
use crate::cli::paint;
use crate::cli::reports::{BatchLog, Record, Recorder};

/// What holds for every job of a batch.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Terms {
    /// Jobs of the list, of all shards.
    pub total: usize,
    /// Whether outputs are claimed.
    pub claims: bool,
    /// Whether a report is to be made.
    pub report: bool,
}

/// How a job ended.
#[derive(Debug, Deserialize, Serialize)]
pub enum Ended {
    As(Outcome),
    /// A signal came before its first step.
    NotBegun,
    Failed {
        error: String,
        /// Whether the device is to blame, so that the next job may fail too.
        device: bool,
    },
}

/// How a job ended, with what the report shows of it.
#[derive(Debug, Deserialize, Serialize)]
pub struct Answer {
    pub ended: Ended,
    pub record: Option<Record>,
}

impl From<Ended> for Answer {
    fn from(ended: Ended) -> Self {
        Self {
            ended,
            record: None,
        }
    }
}

impl From<anyhow::Error> for Ended {
    fn from(error: anyhow::Error) -> Self {
        if error.is::<Interrupted>() {
            return Self::NotBegun;
        }
        let device = error.chain().any(|cause| {
            cause.is::<DeviceError>() || matches!(cause.downcast_ref(), Some(nst::Error::Device(_)))
        });
        let error = describe(&error);
        Self::Failed { error, device }
    }
}

/// Does jobs in this process.
#[derive(Default)]
pub struct Hand {
    networks: Networks,
    recorder: Option<Recorder>,
}

impl Hand {
    /// Says that a job is to come, so that its network is loaded as deep as any job needs it.
    pub fn expect(&mut self, work: &Work) -> anyhow::Result<()> {
        let deepest = paint::deepest(&work.transfer)?;
        self.networks.expect(&work.transfer, deepest);
        Ok(())
    }

    /// Does a job, unless a signal came.
    pub fn paint(&mut self, work: &Work, terms: Terms, interrupt: &Interrupt) -> Answer {
        if interrupt.exit_code().is_some() {
            return Ended::NotBegun.into();
        }
        let recorder = terms.report.then(BatchLog::recorder);
        self.recorder = self.recorder.take().or(recorder);
        let audience: &mut dyn Audience = match &mut self.recorder {
            Some(recorder) => recorder,
            None => &mut Nobody,
        };
        let result = work.run(terms, &mut self.networks, interrupt, audience);
        let ended = result.map_or_else(Ended::from, Ended::As);
        let record = self.recorder.as_mut().and_then(|seen| seen.done.pop());
        Answer { ended, record }
    }
}
