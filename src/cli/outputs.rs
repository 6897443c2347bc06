//! Every file that a run may write, named by its flag and checked in one place before any network
//! is loaded.

mod names;
mod places;
mod record;
mod report;

use std::path::{Path, PathBuf};

use anyhow::Context;
use nst::{Job, checkpoint};

use crate::cli::args::{OutputArgs, Transfer};
use crate::cli::fault::Usage;
use crate::cli::flags::Flags;
use crate::cli::frame_names::FrameNames;
use crate::cli::inputs;
use crate::cli::names::result;

pub use names::check_page;
pub use record::Record;
pub use report::{UNFINISHED_REPORT, is_unfinished_report};

const FILM: &str = "--timelapse";
const REPORT: &str = "--report";

/// The files that the flags of a run name as outputs, and those that it must not write over.
pub struct Outputs<'a> {
    args: &'a OutputArgs,
    /// Where the result goes.
    pub result: PathBuf,
    /// Where its frames go, if there are any.
    pub frames: Option<FrameNames>,
    inputs: Vec<PathBuf>,
    /// Whether `--output` gives the result's name.
    is_named: bool,
}

impl<'a> Outputs<'a> {
    /// Those of a transfer.
    ///
    /// # Errors
    ///
    /// Inputs that cannot be named.
    pub fn of(args: &'a Transfer) -> Result<Self, Usage> {
        let result = result(args);
        Ok(Self {
            frames: FrameNames::of(&args.output, &result),
            inputs: inputs::files(args)?,
            args: &args.output,
            is_named: args.pictures.output.is_some(),
            result,
        })
    }

    /// Whether there is a checkpoint that the run is to go on from.
    ///
    /// # Errors
    ///
    /// If what is there is no checkpoint.
    pub fn goes_on(&self) -> anyhow::Result<bool> {
        let afresh = self.args.overwrite && self.args.resume.is_none();
        Ok(self.checkpoint_is_there()? && !afresh)
    }

    /// The file that keeps the state, with its flag.
    pub fn checkpoint(&self) -> Option<(&'static str, &'a Path)> {
        let OutputArgs {
            resume, checkpoint, ..
        } = self.args;
        let flag = |name, path: &'a Option<PathBuf>| Some((name, path.as_deref()?));
        flag("--resume", resume).or_else(|| flag("--checkpoint", checkpoint))
    }

    /// What the memory of the day decided for the run that this one goes on from, and no flag says:
    /// its tiles, and how much L-BFGS remembers.
    ///
    /// # Errors
    ///
    /// If what is there is no checkpoint.
    pub fn go_on_as_before(&self, flags: &Flags, job: &mut Job) -> anyhow::Result<()> {
        let Some((flag, path)) = self.checkpoint() else {
            return Ok(());
        };
        if !self.goes_on()? {
            return Ok(());
        }
        let passport = checkpoint::passport(path).context(flag)?;
        let before = |name: &str| passport.setting(name).filter(|_| !flags.has(name));
        if let Some(sides) = before("tile").and_then(|sides| sides.parse().ok()) {
            job.tile = sides;
        }
        if let Some(history) = before("history").and_then(|history| history.parse().ok()) {
            job.optimize.history = history;
        }
        Ok(())
    }

    fn checkpoint_is_there(&self) -> anyhow::Result<bool> {
        match self.checkpoint() {
            Some((flag, path)) => checkpoint::is_there(path).context(flag),
            None => Ok(false),
        }
    }

    /// The single files beside the result, with their flags.
    fn beside(&self) -> impl Iterator<Item = (&'static str, &'a Path)> {
        let film = self.args.timelapse.as_deref().map(|film| (FILM, film));
        let report = self.args.report.as_deref().map(|page| (REPORT, page));
        film.into_iter().chain(report).chain(self.checkpoint())
    }

    fn frames_flag(&self) -> &'static str {
        if self.args.frames.is_some() {
            "--frames"
        } else {
            "--save-every"
        }
    }

    fn frames_there(&self, steps: usize) -> Vec<(usize, PathBuf)> {
        let frames = self.frames.as_ref();
        frames.map_or(Vec::new(), |frames| frames.there(steps))
    }

    fn inputs(&self) -> Vec<&Path> {
        self.inputs.iter().map(PathBuf::as_path).collect()
    }
}
