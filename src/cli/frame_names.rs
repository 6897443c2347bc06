//! The numbered files of `--save-every`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use nst::files::same_place;
use nst::picture::{PictureError, frame_path, numbered};

use crate::cli::args::OutputArgs;

/// Most digits of a step.
const DIGITS: usize = 20;

/// Which file the frame of a step goes to.
#[derive(Clone, Debug)]
pub struct FrameNames {
    /// `--frames`, or the result's own name, which is no pattern whatever is in it.
    name: PathBuf,
    is_pattern: bool,
    every: usize,
}

impl FrameNames {
    /// The frames that the flags ask for, if they do, of a result that goes to `result`.
    pub fn of(args: &OutputArgs, result: &Path) -> Option<Self> {
        Some(Self {
            name: args.frames.clone().unwrap_or_else(|| result.to_owned()),
            is_pattern: args.frames.is_some(),
            every: args.save_every? as usize,
        })
    }

    /// Steps from one frame to the next.
    pub fn every(&self) -> usize {
        self.every
    }

    /// The file of a step's frame.
    ///
    /// # Errors
    ///
    /// A pattern that is none.
    pub fn path(&self, step: usize) -> Result<PathBuf, PictureError> {
        if self.is_pattern {
            frame_path(&self.name, step)
        } else {
            Ok(numbered(&self.name, step))
        }
    }

    /// The step whose frame goes to `path`, if one does.
    pub fn step_at(&self, path: &Path) -> Option<usize> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let step = self.named(path.file_name()?)?;
        let frame = self.path(step).ok()?;
        same_place(&frame, &path).then_some(step)
    }

    /// The frames of the first `steps` steps that lie in their folder already, by step.
    pub fn there(&self, steps: usize) -> Vec<(usize, PathBuf)> {
        let folder = self.name.parent().unwrap_or(Path::new(""));
        let shown = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let entries = fs::read_dir(shown).into_iter().flatten().flatten();
        let mut frames: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.file_name();
                Some((self.named(&name)?, folder.join(name)))
            })
            .filter(|(step, _)| *step <= steps)
            .collect();
        frames.sort();
        frames
    }

    /// The step whose frame has this name, in upper or lower case: some part of it is the step.
    fn named(&self, name: &OsStr) -> Option<usize> {
        let name = name.to_string_lossy().to_lowercase();
        let is_its_name = |step: &usize| {
            let path = self.path(*step).unwrap_or_default();
            let frame = path.file_name().unwrap_or_default();
            frame.to_string_lossy().to_lowercase() == name
        };
        (0..name.len())
            .flat_map(|start| numbers(&name, start))
            .filter(|step| *step > 0 && step.is_multiple_of(self.every))
            .find(is_its_name)
    }
}

/// The numbers that begin at this byte.
fn numbers(name: &str, start: usize) -> impl Iterator<Item = usize> {
    let digits = name.bytes().skip(start).take(DIGITS);
    let length = digits.take_while(u8::is_ascii_digit).count();
    (1..=length).filter_map(move |length| name[start..start + length].parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &str, is_pattern: bool, every: usize) -> FrameNames {
        FrameNames {
            name: name.into(),
            is_pattern,
            every,
        }
    }

    #[test]
    fn the_step_of_a_frame_is_read_from_its_name() {
        let step = |frames: &FrameNames, name: &str| frames.named(OsStr::new(name));
        let pattern = names("some/7-%05d-%d.png", true, 5);
        assert_eq!(step(&pattern, "7-00015-15.png"), Some(15));
        assert_eq!(step(&pattern, "7-00015-15.PNG"), Some(15));
        for other in [
            "7-00016-16.png",
            "7-00015-10.png",
            "7-00000-0.png",
            "15.png",
            "7-%05d.png",
        ] {
            assert_eq!(step(&pattern, other), None, "{other}");
        }
        let glued = names("1%d2.png", true, 1);
        assert_eq!(step(&glued, "11002.png"), Some(100));
        let beside = names("50%.png", false, 2);
        assert_eq!(step(&beside, "50%-00004.png"), Some(4));
        assert_eq!(step(&beside, "50%.png"), None);
    }
}
