use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use gif::{Encoder, EncodingError, Frame, Repeat};

use super::{Picture, PictureError, eight_bit};
use crate::files::{FileError, Pending, check_place};

/// How long a frame is shown, in hundredths of a second.
const SHOWN: u16 = 8;
/// How long the last frame is.
const HELD: u16 = 200;
/// From 1, the best palette, to 30, the fastest; 10 is the crate's advice for both.
const SPEED: i32 = 10;

/// An animated GIF, written frame by frame; memory for two frames at most, however many there are.
///
/// Every frame has its own 256 colours. The file appears, or is replaced, when [`Film::finish`] succeeds; a film that
/// is dropped before leaves nothing.
pub struct Film {
    path: PathBuf,
    size: (u16, u16),
    /// None after a failure to write: what follows half a frame is no GIF.
    encoder: Option<Encoder<BufWriter<File>>>,
    /// How long a frame is shown comes before it in the file, so the last one waits.
    last: Option<Frame<'static>>,
    // Dropped after the encoder, which ends its file when it is dropped.
    pending: Pending,
}

/// Checks, before any work, that a film can be written to `path`: as [`super::check_output`], for `.gif`.
///
/// # Errors
/// [`PictureError::FilmExtension`], or what [`super::check_output`] finds.
pub fn check_film(path: &Path, inputs: &[&Path], overwrite: bool) -> Result<(), PictureError> {
    Film::check_name(path)?;
    Ok(check_place(path, inputs, overwrite)?)
}

impl Film {
    /// Checks that the name ends in `.gif`.
    ///
    /// # Errors
    /// [`PictureError::FilmExtension`].
    pub fn check_name(path: &Path) -> Result<(), PictureError> {
        let extension = path.extension().unwrap_or_default();
        if extension.eq_ignore_ascii_case("gif") {
            return Ok(());
        }
        Err(PictureError::FilmExtension {
            path: path.to_owned(),
        })
    }

    /// The sides (pixels) as a GIF has them.
    ///
    /// # Errors
    /// [`PictureError::FilmSize`].
    pub fn check_size(
        path: &Path,
        width: usize,
        height: usize,
    ) -> Result<(u16, u16), PictureError> {
        let side = |n: usize| u16::try_from(n).ok().filter(|&n| n > 0);
        side(width)
            .zip(side(height))
            .ok_or_else(|| PictureError::FilmSize {
                path: path.to_owned(),
                width,
                height,
            })
    }

    /// Begins a film of `width` x `height` pixels beside `path`, which ends in `.gif`.
    ///
    /// # Errors
    /// [`PictureError::FilmExtension`], [`PictureError::FilmSize`], or [`FileError::NotWritten`].
    pub fn create(path: &Path, width: usize, height: usize) -> Result<Self, PictureError> {
        Self::check_name(path)?;
        let size = Self::check_size(path, width, height)?;
        let pending = Pending::beside(path)?;
        let encoder = begin(pending.file(), size).map_err(|e| not_written(path, e))?;
        Ok(Self {
            path: path.to_owned(),
            size,
            encoder: Some(encoder),
            last: None,
            pending,
        })
    }

    /// Adds a frame: a picture of any size, brought to the film's, laid on white.
    ///
    /// # Errors
    /// [`FileError::NotWritten`]; the film cannot be finished then.
    pub fn push(&mut self, picture: &Picture) -> Result<(), PictureError> {
        let (width, height) = self.size;
        let picture = picture.resized(width.into(), height.into());
        let rgb = eight_bit(&picture.on_white());
        let mut frame = Frame::from_rgb_speed(width, height, &rgb, SPEED);
        frame.delay = SHOWN;
        self.write(Some(frame))
    }

    /// Ends the film: its last frame is held for two seconds before it starts anew.
    ///
    /// # Errors
    /// [`PictureError::NoFrames`]; [`FileError::Exists`] if there is a file now and `overwrite` is false;
    /// [`FileError::NotWritten`]. Whatever the reason, what was at the path is untouched.
    pub fn finish(mut self, overwrite: bool) -> Result<(), PictureError> {
        let Some(last) = &mut self.last else {
            return Err(PictureError::NoFrames { path: self.path });
        };
        last.delay = HELD;
        self.write(None)?;
        let encoder = self.encoder.take().ok_or_else(|| broken(&self.path))?;
        let failed = |e| not_written(&self.path, e);
        let mut writer = encoder.into_inner().map_err(failed)?;
        writer.flush().map_err(|e| failed(e.into()))?;
        drop(writer);
        Ok(self.pending.install(overwrite)?)
    }

    /// Writes the frame that waits, if any; `next` waits from now on.
    fn write(&mut self, next: Option<Frame<'static>>) -> Result<(), PictureError> {
        let Some(frame) = std::mem::replace(&mut self.last, next) else {
            return Ok(());
        };
        let mut encoder = self.encoder.take().ok_or_else(|| broken(&self.path))?;
        encoder
            .write_frame(&frame)
            .map_err(|e| not_written(&self.path, e))?;
        self.encoder = Some(encoder);
        Ok(())
    }
}

fn begin(
    file: &File,
    (width, height): (u16, u16),
) -> Result<Encoder<BufWriter<File>>, EncodingError> {
    let writer = BufWriter::new(file.try_clone()?);
    let mut encoder = Encoder::new(writer, width, height, &[])?;
    encoder.set_repeat(Repeat::Infinite)?;
    Ok(encoder)
}

fn broken(path: &Path) -> PictureError {
    FileError::writing(path, io::Error::other("an earlier frame was not")).into()
}

fn not_written(path: &Path, error: EncodingError) -> PictureError {
    let source = match error {
        EncodingError::Io(source) => source,
        other => io::Error::other(other),
    };
    FileError::writing(path, source).into()
}

#[cfg(test)]
mod tests;
