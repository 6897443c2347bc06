use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use nst::picture::{Film, PictureError, numbered};
use nst::{Draw, Observer, ObserverError, Picture, Plan, Step};

use crate::cli::args::OutputArgs;
use crate::cli::fault::describe;
use crate::cli::frame_names::FrameNames;
use crate::cli::output::Target;
use crate::cli::say;

/// Frames of a film without `--save-every`.
const FILM_FRAMES: usize = 60;

/// What is saved on the way: numbered pictures, a film, or both.
pub struct Frames<'a> {
    every: usize,
    names: Option<FrameNames>,
    film: Option<Film>,
    target: &'a Target,
    overwrite: bool,
    /// The steps whose frames may be replaced: this run wrote them, or an earlier one like it.
    own: BTreeSet<usize>,
    /// What could not be saved.
    lost: Lost,
}

/// The picture is worth more than what is saved on the way to it, which may be lost.
#[derive(Default)]
struct Lost {
    frames: usize,
    film: bool,
}

impl<'a> Frames<'a> {
    /// Prepares what the flags ask for, for a run that goes on after step `from` of its plan.
    /// Frames of the steps in `own` may be replaced.
    pub fn new(
        args: &OutputArgs,
        target: &'a Target,
        names: Option<FrameNames>,
        own: BTreeSet<usize>,
        plan: &Plan,
        from: usize,
    ) -> Result<Self, PictureError> {
        let (width, height) = plan.size();
        let usual = plan.steps().div_ceil(FILM_FRAMES);
        let film = args.timelapse.as_ref().map(|given| {
            let path = free(given, args.overwrite, from);
            if path != *given && !args.quiet {
                say::note(format_args!("the film goes on as {}", path.display()));
            }
            Film::create(&path, width, height)
        });
        Ok(Self {
            every: names.as_ref().map_or(usual, FrameNames::every),
            names,
            film: film.transpose()?,
            target,
            overwrite: args.overwrite,
            own,
            lost: Lost::default(),
        })
    }

    /// Ends the film with the result.
    ///
    /// # Errors
    ///
    /// What could not be saved of the frames and the film.
    pub fn finish(mut self, result: &Picture) -> anyhow::Result<()> {
        if let Some(mut film) = self.film.take() {
            let ended = film.push(result).and_then(|()| film.finish(self.overwrite));
            self.lost_film(ended);
        }
        let film = if self.lost.film { " and the film" } else { "" };
        match self.lost {
            Lost {
                frames: 0,
                film: false,
            } => Ok(()),
            Lost { frames, .. } => {
                anyhow::bail!("the picture is saved, but {frames} frames{film} are not")
            }
        }
    }

    fn save(&mut self, picture: &Picture, step: usize) {
        if let Some(names) = &self.names {
            let overwrite = self.overwrite || self.own.contains(&step);
            let saved = names
                .path(step)
                .map_err(anyhow::Error::from)
                .and_then(|path| self.target.save_frame(picture, step, &path, overwrite));
            match saved {
                Ok(()) => drop(self.own.insert(step)),
                Err(error) => self.lost_frame(&error),
            }
        }
        if let Some(film) = &mut self.film
            && let Err(error) = film.push(picture)
        {
            self.film = None;
            self.lost_film(Err(error));
        }
    }

    fn lost_frame(&mut self, error: &anyhow::Error) {
        if self.lost.frames == 0 {
            say::warn(format_args!(
                "--save-every: {}; the run goes on",
                describe(error)
            ));
        }
        self.lost.frames += 1;
    }

    fn lost_film(&mut self, result: Result<(), PictureError>) {
        if let Err(error) = result {
            say::warn(format_args!("--timelapse: {error}"));
            self.lost.film = true;
        }
    }
}

impl Observer for Frames<'_> {
    fn step(&mut self, step: &Step<'_>, draw: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        let wanted = self.names.is_some() || self.film.is_some();
        if wanted && !step.rolled_back && step.done.is_multiple_of(self.every) {
            self.save(&draw()?, step.done);
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Where the film of a run that goes on after step `from` goes: what an earlier part of it filmed
/// stays.
fn free(given: &Path, overwrite: bool, from: usize) -> PathBuf {
    let mut path = given.to_owned();
    while !overwrite && path.symlink_metadata().is_ok() {
        path = numbered(&path, from);
    }
    path
}
