//! Writing a picture so that the target is, at every moment, either what it was or the whole new file.

mod formats;
mod png;
mod rescue;
mod tiff;
mod webp;

use std::io::{BufWriter, Cursor, Write};
use std::path::Path;

pub use self::rescue::encode_or_rescue;
use super::{Depth, OutputFormat, Picture, PictureError};
use crate::files::{FileError, Pending};

/// How a picture is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Bits of each sample; JPEG and WebP always have 8. Default: 8.
    pub depth: Depth,
    /// How close a lossy file comes, from 1, the smallest, to 100. Default: none, which is 95 for a JPEG and lossless
    /// for a WebP. PNG and TIFF are always lossless.
    pub quality: Option<u8>,
    /// How the picture was made, for [`super::provenance()`] to read back: text without NUL of at most 1 MiB, in a JPEG
    /// 65000 bytes. Default: none.
    pub provenance: Option<String>,
    /// Whether a file that exists may be replaced. Default: no.
    pub overwrite: bool,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self {
            depth: Depth::Eight,
            quality: None,
            provenance: None,
            overwrite: false,
        }
    }
}

/// Writes a picture as PNG, JPEG, WebP or TIFF, by the extension of `path`, tagged as sRGB.
///
/// The bytes go to a temporary file in the same folder, are flushed to the disk, and are renamed over `path`.
///
/// # Errors
/// Whatever the reason, what was at `path` is untouched and no temporary file is left.
pub fn encode(picture: &Picture, path: &Path, options: &EncodeOptions) -> Result<(), PictureError> {
    let format = OutputFormat::from_path(path)?;
    format.check_size(path, picture.width, picture.height)?;
    picture.check()?;
    let pending = Pending::beside(path)?;
    let not_written = |source| FileError::writing(path, source);
    let mut writer = BufWriter::new(pending.file());
    formats::write(&mut writer, format, picture, options)
        .map_err(|failure| failure.of(path, format))?;
    writer.flush().map_err(not_written)?;
    drop(writer);
    Ok(pending.install(options.overwrite)?)
}

/// The bytes of a picture's file; `path` is only the name that says its format and stands in errors.
///
/// # Errors
/// As [`encode`], except those of the file system.
pub fn encode_bytes(
    picture: &Picture,
    path: &Path,
    options: &EncodeOptions,
) -> Result<Vec<u8>, PictureError> {
    let format = OutputFormat::from_path(path)?;
    format.check_size(path, picture.width, picture.height)?;
    picture.check()?;
    let mut bytes = Cursor::new(Vec::new());
    formats::write(&mut bytes, format, picture, options)
        .map_err(|failure| failure.of(path, format))?;
    Ok(bytes.into_inner())
}
