use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context;
use nst::files::{FileError, check_place};
use nst::job::Plan;
use nst::picture::{Film, OutputFormat, PictureError, check_film, check_output};

use super::{FILM, Outputs, REPORT, Record, is_unfinished_report};
use crate::cli::fault::Usage;
use crate::cli::inputs::is_pipe;
use crate::cli::names;

impl Outputs<'_> {
    /// Checks, as the run begins, that everything can be written: folders that take files, and
    /// nothing in the way that may not be replaced. `overwrite` holds for the result.
    ///
    /// # Errors
    ///
    /// The first of these that does not hold, with the flag.
    pub fn check_places(&self, overwrite: bool) -> anyhow::Result<()> {
        let inputs = self.inputs();
        match check_output(&self.result, &inputs, overwrite) {
            _ if is_pipe(&self.result) => {}
            Err(PictureError::File(FileError::Exists { path })) => {
                return Err(self.in_the_way(path));
            }
            other => other?,
        }
        if let Some(frames) = &self.frames {
            check_place(&frames.path(frames.every())?, &inputs, true)
                .context(self.frames_flag())?;
        }
        let goes_on = self.goes_on()?;
        if let Some(film) = &self.args.timelapse {
            check_film(film, &inputs, self.args.overwrite || goes_on).context(FILM)?;
        }
        if let Some(page) = &self.args.report {
            let overwrite = self.args.overwrite || is_unfinished_report(page);
            check_place(page, &inputs, overwrite).context(REPORT)?;
        }
        if let Some((flag, path)) = self.checkpoint() {
            check_place(path, &inputs, true).context(flag)?;
        }
        match &self.args.resume {
            Some(path) if !goes_on => Err(Usage(format!(
                "--resume {0}: there is no such file; --checkpoint {0} goes on from it if it is \
                 there, and starts if not",
                path.display()
            ))
            .into()),
            _ => Ok(()),
        }
    }

    /// Checks what the plan tells: sides that the formats can express, and the last frame's name.
    ///
    /// # Errors
    ///
    /// The first of these that does not hold, with the flag.
    pub fn check_plan(&self, plan: &Plan) -> anyhow::Result<()> {
        let (width, height) = plan.size();
        let format = names::format(self.args, &self.result)?;
        format.check_size(&self.result, width, height)?;
        if let Some(film) = &self.args.timelapse {
            Film::check_size(film, width, height).context(FILM)?;
        }
        let frames = self.frames.as_ref();
        if let Some(frames) = frames.filter(|frames| frames.every() <= plan.steps()) {
            let last = frames.path(plan.steps() / frames.every() * frames.every())?;
            let format = OutputFormat::from_path(&last)?;
            format
                .check_size(&last, width, height)
                .context(self.frames_flag())?;
            check_place(&last, &self.inputs(), true).context(self.frames_flag())?;
        }
        Ok(())
    }

    /// Checks that the frames which are there already may be replaced, in a run of `steps` steps:
    /// with `--overwrite`, or because an earlier run with the same flags and inputs left them.
    /// Gives their steps.
    ///
    /// # Errors
    ///
    /// The first that may not, with the flag.
    pub fn check_frames(&self, steps: usize, job: &Record<'_>) -> anyhow::Result<BTreeSet<usize>> {
        let mut own = BTreeSet::new();
        for (step, path) in self.frames_there(steps) {
            if !self.args.overwrite && !job.left(&path) {
                return Err(self.in_the_way(path)).context(self.frames_flag());
            }
            own.insert(step);
        }
        Ok(own)
    }

    /// The refusal of a file that exists. `--overwrite` alone would throw away the state that the run
    /// could go on from, so then it is not the advice.
    pub fn in_the_way(&self, path: PathBuf) -> anyhow::Error {
        match self.checkpoint() {
            Some((_, checkpoint)) if self.goes_on().unwrap_or_default() => anyhow::anyhow!(
                "{}: exists already, and this run did not leave it; name another file, or go on \
                 over it with --resume {} --overwrite",
                path.display(),
                checkpoint.display()
            ),
            _ => FileError::Exists { path }.into(),
        }
    }
}
