use std::path::{Path, PathBuf};

use anyhow::Context;
use nst::Picture;
use nst::picture::{Film, check_film, frame_path};

use crate::cli::args::OutputArgs;
use crate::cli::output::Target;

/// Frames of a film without `--save-every`.
const FILM_FRAMES: usize = 60;

/// What is saved on the way: numbered pictures, a film, or both.
pub struct Frames<'a> {
    every: usize,
    pattern: Option<PathBuf>,
    film: Option<(Film, &'a Path)>,
    target: &'a Target,
    overwrite: bool,
}

impl<'a> Frames<'a> {
    /// Prepares what the flags ask for, for a run of `steps` updates to a result of `size`.
    pub fn new(
        args: &'a OutputArgs,
        target: &'a Target,
        steps: usize,
        (width, height): (usize, usize),
    ) -> anyhow::Result<Self> {
        let film = match &args.timelapse {
            Some(path) => {
                check_film(path, &[target.path()], args.overwrite)?;
                Some((Film::create(path, width, height)?, path.as_path()))
            }
            None => None,
        };
        let pattern = args.save_every.map(|_| {
            let pattern = args.frames.as_deref();
            pattern.unwrap_or(target.path()).to_path_buf()
        });
        if let Some(pattern) = &pattern {
            frame_path(pattern, 0)?;
        }
        let usual = steps.div_ceil(FILM_FRAMES);
        Ok(Self {
            every: args.save_every.map_or(usual, |every| every as usize),
            pattern,
            film,
            target,
            overwrite: args.overwrite,
        })
    }

    /// Whether the picture after so many updates is wanted.
    pub fn wants(&self, done: usize) -> bool {
        (self.pattern.is_some() || self.film.is_some()) && done.is_multiple_of(self.every)
    }

    /// Saves the picture after so many updates.
    pub fn save(&mut self, picture: &Picture, done: usize) -> anyhow::Result<()> {
        if let Some(pattern) = &self.pattern {
            let path = frame_path(pattern, done)?;
            self.target
                .save_frame(picture, done, &path)
                .with_context(|| format!("--save-every: the frame of step {done}"))?;
        }
        if let Some((film, _)) = &mut self.film {
            film.push(picture)?;
        }
        Ok(())
    }

    /// Ends the film with the result.
    pub fn finish(self, result: &Picture) -> anyhow::Result<()> {
        if let Some((mut film, path)) = self.film {
            film.push(result)?;
            film.finish(self.overwrite)
                .with_context(|| format!("--timelapse {}", path.display()))?;
        }
        Ok(())
    }
}
