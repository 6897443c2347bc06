//! Every file that a run may write, named by its flag and checked in one place before any network
//! is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use nst::checkpoint;
use nst::files::{FileError, check_not_input, check_place, same_place};
use nst::job::Plan;
use nst::picture::{Depth, Film, OutputFormat, check_film, check_output};

use crate::cli::args::{OutputArgs, Transfer};
use crate::cli::fault::Usage;
use crate::cli::flags::Flags;
use crate::cli::frame_names::FrameNames;
use crate::cli::inputs::{self, is_pipe};
use crate::cli::names;
use crate::cli::provenance::Provenance;

const FRAMES: &str = "--save-every";
const FILM: &str = "--timelapse";

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
        let result = names::result(args);
        Ok(Self {
            frames: FrameNames::of(&args.output, &result),
            inputs: inputs::files(args)?,
            args: &args.output,
            is_named: args.pictures.output.is_some(),
            result,
        })
    }

    /// Checks what holds however long it takes until something is written: formats by their
    /// names, and that no output is an input, another output, or a stranger's file in the place of
    /// a checkpoint.
    ///
    /// # Errors
    ///
    /// The first of these that does not hold, with the flag.
    pub fn check_names(&self) -> anyhow::Result<()> {
        self.check_flags()?;
        let format = names::format(self.args, &self.result)?;
        if self.args.depth == Some(Depth::Sixteen) && !format.has_sixteen_bits() {
            return Err(Usage(format!(
                "--depth 16: {} is a {format}, which has 8 bits; name a .png or .tif, or leave \
                 --depth out",
                self.result.display()
            ))
            .into());
        }
        if let Some(frames) = &self.frames {
            let first = frames.path(frames.every());
            let known = first.and_then(|path| OutputFormat::from_path(&path));
            known.context(FRAMES)?;
        }
        if let Some(film) = &self.args.timelapse {
            Film::check_name(film).context(FILM)?;
        }
        self.check_inputs()?;
        self.check_each_other()?;
        self.checkpoint_is_there().map(drop)
    }

    /// Checks that the flags of the result's name and format go together.
    fn check_flags(&self) -> anyhow::Result<()> {
        let (out, pipe) = (self.args, is_pipe(&self.result));
        let result = self.result.display();
        let fault = match &out.ext {
            Some(ext) if self.is_named && !pipe => format!(
                "--ext {ext}: the name {result} says the format already; leave one of them out"
            ),
            _ if pipe && out.json => {
                "--json: the picture goes to standard output; name a file with --output".to_owned()
            }
            _ if pipe && out.save_every.is_some() && out.frames.is_none() => {
                "--save-every: the picture goes to standard output; say with --frames where its \
                 frames go"
                    .to_owned()
            }
            _ => {
                let format = names::format(out, &self.result)?;
                match out.quality {
                    Some(quality) if format != OutputFormat::Jpeg => format!(
                        "--quality {quality}: {result} is a {format}, which loses nothing; name a \
                         .jpg, or leave --quality out"
                    ),
                    _ => return Ok(()),
                }
            }
        };
        Err(Usage(fault).into())
    }

    fn check_inputs(&self) -> anyhow::Result<()> {
        let inputs = self.inputs();
        check_not_input(&self.result, &inputs)?;
        for (flag, path) in self.beside() {
            check_not_input(path, &inputs).context(flag)?;
        }
        for (_, frame) in self.frames_there(usize::MAX) {
            check_not_input(&frame, &inputs).context(FRAMES)?;
        }
        Ok(())
    }

    fn check_each_other(&self) -> Result<(), Usage> {
        let mut all = vec![("the result", self.result.as_path())];
        all.extend(self.beside());
        for (k, (flag, path)) in all.iter().enumerate() {
            let twice = |what: &str| {
                let path = path.display();
                Usage(format!(
                    "{flag}, {path}: this is {what} too; name another file"
                ))
            };
            if let Some((other, _)) = all[..k].iter().find(|(_, other)| same_place(path, other)) {
                return Err(twice(&format!("the file of {other}")));
            }
            if let Some(step) = self.frames.as_ref().and_then(|frames| frames.step_at(path)) {
                return Err(twice(&format!("the frame of step {step} ({FRAMES})")));
            }
        }
        Ok(())
    }

    /// Checks, as the run begins, that everything can be written: folders that take files, and
    /// nothing in the way that may not be replaced. `overwrite` holds for the result.
    ///
    /// # Errors
    ///
    /// The first of these that does not hold, with the flag.
    pub fn check_places(&self, overwrite: bool) -> anyhow::Result<()> {
        let inputs = self.inputs();
        if !is_pipe(&self.result) {
            check_output(&self.result, &inputs, overwrite)?;
        }
        if let Some(frames) = &self.frames {
            check_place(&frames.path(frames.every())?, &inputs, true).context(FRAMES)?;
        }
        let goes_on = self.goes_on()?;
        if let Some(film) = &self.args.timelapse {
            check_film(film, &inputs, self.args.overwrite || goes_on).context(FILM)?;
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
        if let Some(frames) = &self.frames {
            let last = frames.path(plan.steps() / frames.every() * frames.every())?;
            let format = OutputFormat::from_path(&last)?;
            format.check_size(&last, width, height).context(FRAMES)?;
            check_place(&last, &self.inputs(), true).context(FRAMES)?;
        }
        Ok(())
    }

    /// Checks that the frames which are there already may be replaced, in a run of `steps` steps:
    /// with `--overwrite`, or because an earlier run with the same flags and inputs left them.
    /// Gives their steps.
    ///
    /// # Errors
    ///
    /// [`FileError::Exists`] with the flag.
    pub fn check_frames(&self, steps: usize, job: &Record<'_>) -> anyhow::Result<BTreeSet<usize>> {
        let mut own = BTreeSet::new();
        for (step, path) in self.frames_there(steps) {
            if !self.args.overwrite && !job.left(&path) {
                return Err(FileError::Exists { path }).context(FRAMES);
            }
            own.insert(step);
        }
        Ok(own)
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

    fn checkpoint_is_there(&self) -> anyhow::Result<bool> {
        match self.checkpoint() {
            Some((flag, path)) => checkpoint::is_there(path).context(flag),
            None => Ok(false),
        }
    }

    /// The single files beside the result, with their flags.
    fn beside(&self) -> impl Iterator<Item = (&'static str, &'a Path)> {
        let film = self.args.timelapse.as_deref().map(|film| (FILM, film));
        film.into_iter().chain(self.checkpoint())
    }

    fn frames_there(&self, steps: usize) -> Vec<(usize, PathBuf)> {
        let frames = self.frames.as_ref();
        frames.map_or(Vec::new(), |frames| frames.there(steps))
    }

    fn inputs(&self) -> Vec<&Path> {
        self.inputs.iter().map(PathBuf::as_path).collect()
    }
}

/// What a run is told by, as far as it is known before its network is.
pub struct Record<'a> {
    /// Its flags.
    pub flags: &'a Flags,
    /// The digests of its inputs, by name.
    pub inputs: &'a BTreeMap<String, String>,
}

impl Record<'_> {
    /// Whether the picture at `path` is what such a run left when it ended early, or a frame.
    pub fn left(&self, path: &Path) -> bool {
        match Provenance::read(path) {
            Ok(Some(there)) => there.is_unfinished() && there.is_of(self.flags, self.inputs),
            _ => false,
        }
    }
}
