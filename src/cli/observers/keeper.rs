use std::fs;
use std::path::PathBuf;

use burn::tensor::Device;
use nst::Job;
use nst::checkpoint::{self, Passport};
use nst::job::Plan;
use nst::optimize::{State, Step};

use crate::cli::args::OutputArgs;
use crate::cli::fault::Usage;

/// Where checkpoints go, and how often.
pub struct Keeper {
    path: PathBuf,
    every: usize,
    resume: bool,
    passport: Passport,
}

impl Keeper {
    /// What the flags ask for. A checkpoint that lies there is only replaced by the run that it
    /// belongs to, or with `--overwrite`.
    pub fn new(args: &OutputArgs) -> Result<Option<Self>, Usage> {
        let Some(path) = args.resume.as_ref().or(args.checkpoint.as_ref()) else {
            return Ok(None);
        };
        let resume = args.resume.is_some();
        if !resume && !args.overwrite && path.symlink_metadata().is_ok() {
            return Err(Usage(format!(
                "--checkpoint {0}: the file exists; go on from it with --resume {0}, or replace it \
                 with --overwrite",
                path.display()
            )));
        }
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) || path.is_dir() {
            return Err(Usage(format!(
                "--checkpoint {}: a file in a folder that exists is needed",
                path.display()
            )));
        }
        Ok(Some(Self {
            path: path.clone(),
            every: args.checkpoint_every as usize,
            resume,
            passport: Passport::default(),
        }))
    }

    /// Says which run the checkpoints belong to, and gives the state to go on from, if the run is
    /// to go on.
    pub fn begin(
        &mut self,
        job: &Job,
        plan: &Plan,
        passport: Passport,
        device: &Device,
    ) -> Result<Option<State>, nst::Error> {
        self.passport = passport;
        if !self.resume {
            return Ok(None);
        }
        let state = checkpoint::load(&self.path, job, plan, &self.passport, device)?;
        Ok(Some(state))
    }

    /// Keeps the state if its turn has come, or if the run ends `now`.
    pub fn keep(&self, step: &Step<'_>, now: bool) -> Result<(), nst::Error> {
        if now || step.done.is_multiple_of(self.every) {
            checkpoint::save(&self.path, step.state, &self.passport)?;
        }
        Ok(())
    }

    /// Removes the checkpoint of a run that came to its end.
    pub fn finish(&self) {
        // One that cannot be removed does no harm: it belongs to this run alone.
        let _ = fs::remove_file(&self.path);
    }

    /// How to go on.
    pub fn hint(&self) -> String {
        format!("go on with --resume {}", self.path.display())
    }
}
