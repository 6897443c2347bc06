//! Reading a picture file somebody else made.

mod cut;
mod formats;
mod jpeg;
mod png_colours;
mod profile;
mod tiff_tags;
mod webp;

use std::fs::{self, File};
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::ImageFormat;

use self::formats::{Refusal, to_picture};
use super::{Note, Picture, PictureError};
use crate::files::not_a_file;

/// What decoding may use, checked before anything is allocated, and put up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most pixels (width times height) a picture may claim. Default: 400 million.
    pub max_pixels: u64,
    /// Whether a JPEG is read of which a tenth or more of the rows is missing. Default: no.
    ///
    /// What is missing is filled with grey, and a picture painted from that is of no use; so unless this is asked for,
    /// only a file that lost its last few rows is read, with [`Note::Cut`].
    pub allow_cut: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 400_000_000,
            allow_cut: false,
        }
    }
}

impl Limits {
    /// Bytes the decoded samples and, separately, the file may take: 16-bit RGBA, and 64 MiB for what surrounds them.
    pub(super) fn max_bytes(self) -> u64 {
        self.max_pixels
            .saturating_mul(8)
            .saturating_add(64 * 1024 * 1024)
    }
}

/// Reads a PNG, JPEG, WebP, TIFF, BMP or GIF file, whichever its content is, whatever its name.
///
/// EXIF orientation is applied and colours are converted to sRGB, from an ICC profile or from what a PNG says of them
/// (cICP, gAMA, cHRM). Of an animation the first picture is taken.
/// Anything out of the ordinary is in [`Picture::notes`]. Memory at its peak: the file, its samples as stored, and 12
/// bytes for each pixel, 32 with transparency.
///
/// # Errors
/// Every reason why not, naming the file: see [`PictureError`]. Hostile files are refused before memory is spent on
/// them; a panic inside a decoder is caught and reported as damage.
pub fn decode(path: &Path, limits: &Limits) -> Result<Picture, PictureError> {
    let bytes = read_file(path, *limits)?;
    let mut picture = decode_bytes(path, &bytes, limits)?;
    picture.notes.extend(wrong_extension(path, &bytes));
    Ok(picture)
}

/// Decodes the bytes of a file as [`decode`] does; `path` is only the name in errors.
///
/// # Errors
/// As [`decode`], except those of the file system.
pub fn decode_bytes(path: &Path, bytes: &[u8], limits: &Limits) -> Result<Picture, PictureError> {
    if bytes.is_empty() {
        return Err(PictureError::Empty {
            path: path.to_owned(),
        });
    }
    let format = known_format(bytes).ok_or_else(|| PictureError::UnknownFormat {
        path: path.to_owned(),
    })?;
    caught(|| to_picture(format, bytes, *limits))
        .map_err(|refusal| with_name(refusal, path, format, *limits))
}

/// Does the work; a panic in it becomes a refusal. (It needs `panic = "unwind"`, the default, in the profile.)
fn caught<T>(work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    // Decoders panic on some hostile files. Nothing they touched outlives the call, so nothing broken can be seen.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Refusal::Damaged("the decoder crashed on it".to_owned())))
}

fn with_name(refusal: Refusal, path: &Path, format: ImageFormat, limits: Limits) -> PictureError {
    let path = path.to_owned();
    match refusal {
        Refusal::Pixels(width, height) => PictureError::TooManyPixels {
            path,
            width,
            height,
            max_pixels: limits.max_pixels,
        },
        Refusal::Memory => PictureError::TooMuchMemory {
            path,
            max_bytes: limits.max_bytes(),
        },
        Refusal::Cut(percent) => PictureError::Cut { path, percent },
        Refusal::Unsupported(reason) => PictureError::Unsupported {
            path,
            format: name(format),
            reason,
        },
        Refusal::Damaged(reason) => PictureError::Damaged {
            path,
            format: name(format),
            reason,
        },
    }
}

/// The file's bytes; only a regular file is opened, since opening a pipe would wait for a writer.
fn read_file(path: &Path, limits: Limits) -> Result<Vec<u8>, PictureError> {
    let reading = |e| PictureError::reading(path, e);
    let metadata = fs::metadata(path).map_err(reading)?;
    if let Some(kind) = not_a_file(metadata.file_type()) {
        return Err(PictureError::NotAFile {
            path: path.to_owned(),
            kind,
        });
    }
    let max_bytes = limits.max_bytes();
    let too_long = PictureError::TooMuchMemory {
        path: path.to_owned(),
        max_bytes,
    };
    if metadata.len() > max_bytes {
        return Err(too_long);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(reading)?;
    file.take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(reading)?;
    if bytes.len() as u64 > max_bytes {
        return Err(too_long);
    }
    Ok(bytes)
}

fn known_format(bytes: &[u8]) -> Option<ImageFormat> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    image::guess_format(bytes)
        .ok()
        .filter(|format| matches!(format, Png | Jpeg | WebP | Tiff | Bmp | Gif))
}

fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Bmp => "BMP",
        _ => "GIF",
    }
}

fn wrong_extension(path: &Path, bytes: &[u8]) -> Option<Note> {
    let extension = path.extension()?.to_string_lossy().into_owned();
    let (claimed, actual) = (
        ImageFormat::from_extension(&extension)?,
        known_format(bytes)?,
    );
    (claimed != actual).then(|| Note::WrongExtension(extension, name(actual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_decoder_is_a_damaged_file() {
        let empty: [u8; 0] = std::hint::black_box([]);
        let refusal = caught(|| Ok(empty.to_vec()[0])).unwrap_err();
        assert!(matches!(refusal, Refusal::Damaged(reason) if reason.contains("crashed")));
    }
}
