use std::ops::ControlFlow;
use std::path::PathBuf;

use burn::tensor::Device;
use nst::checkpoint::{self, CheckpointError, Passport};
use nst::job::Plan;
use nst::optimize::State;
use nst::{Draw, Job, Observer, ObserverError, Step};

use crate::cli::outputs::Outputs;
use crate::cli::say;

/// Keeps checkpoints of a run.
pub struct Keeper {
    path: PathBuf,
    every: usize,
    goes_on: bool,
    passport: Passport,
    /// The step of the last one.
    kept: Option<usize>,
    /// Whether the last one could not be written.
    failing: bool,
}

impl Keeper {
    /// The keeper that the flags ask for, if they do, every so many steps.
    pub fn new(outputs: &Outputs<'_>, every: u32) -> anyhow::Result<Option<Self>> {
        let Some((_, path)) = outputs.checkpoint() else {
            return Ok(None);
        };
        Ok(Some(Self {
            path: path.to_owned(),
            every: every as usize,
            goes_on: outputs.goes_on()?,
            passport: Passport::default(),
            kept: None,
            failing: false,
        }))
    }

    /// Says which run the checkpoints belong to, and gives the state to go on from, if there is
    /// one.
    pub fn begin(
        &mut self,
        job: &Job,
        plan: &Plan,
        passport: Passport,
        device: &Device,
    ) -> Result<Option<State>, nst::Error> {
        self.passport = passport;
        if !self.goes_on {
            return Ok(None);
        }
        let state = checkpoint::load(&self.path, job, plan, &self.passport, device)?;
        Ok(Some(state))
    }

    /// Removes the checkpoint of a run that came to its end.
    pub fn finish(&self) {
        // One that cannot be removed does no harm: it belongs to this run alone.
        let _ = checkpoint::remove(&self.path);
    }

    /// How to go on, if that is possible.
    pub fn hint(&self) -> Option<String> {
        let path = self.path.display();
        (!self.failing).then(|| format!("go on with --resume {path}"))
    }

    fn keep(&mut self, state: &State) -> Result<(), CheckpointError> {
        let saved = checkpoint::save(&self.path, state, &self.passport);
        if let Err(error @ CheckpointError::Device(_)) = saved {
            return Err(error);
        }
        // The run is worth more than its checkpoint.
        if let Err(error) = &saved
            && !self.failing
        {
            say::warn(format_args!("{error}; the run goes on without"));
        }
        self.failing = saved.is_err();
        self.kept = Some(state.done);
        Ok(())
    }
}

impl Observer for Keeper {
    fn step(&mut self, step: &Step<'_>, _: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        if step.done.is_multiple_of(self.every) {
            self.keep(step.state)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn stopped(&mut self, state: &State) -> Result<(), ObserverError> {
        if self.kept != Some(state.done) {
            self.keep(state)?;
        }
        Ok(())
    }
}
