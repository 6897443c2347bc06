//! Writing a picture so that the target is, at every moment, either what it was or the whole new file.

mod formats;

use std::env;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{Depth, OutputFormat, Picture, PictureError};
use crate::files::{FileError, Pending};

/// How a picture is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Bits of each sample; JPEG and WebP always have 8. Default: 8.
    pub depth: Depth,
    /// JPEG quality, 1 to 100; other formats are lossless. Default: 95.
    pub quality: u8,
    /// How the picture was made, for [`super::provenance()`] to read back: text without NUL, for a JPEG at most 65000
    /// bytes. Default: none.
    pub provenance: Option<String>,
    /// Whether a file that exists may be replaced. Default: no.
    pub overwrite: bool,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self {
            depth: Depth::Eight,
            quality: 95,
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
    formats::write(&mut writer, format, picture, options).map_err(|e| match e {
        formats::Failure::Io(source) => not_written(source).into(),
        formats::Failure::Encoder(reason) => PictureError::Encoding {
            path: path.to_owned(),
            format,
            reason,
        },
    })?;
    writer.flush().map_err(not_written)?;
    drop(writer);
    Ok(pending.install(options.overwrite)?)
}

/// Writes a picture as [`encode`] does; if that fails, saves it as a PNG in the first of the temporary, home and
/// working folders that takes it.
///
/// # Errors
/// [`PictureError::Rescued`] with the place it was saved and the reason, or the reason itself if no folder took it.
pub fn encode_or_rescue(
    picture: &Picture,
    path: &Path,
    options: &EncodeOptions,
) -> Result<(), PictureError> {
    encode(picture, path, options).map_err(|failure| {
        let folders = [
            Some(env::temp_dir()),
            env::home_dir(),
            env::current_dir().ok(),
        ];
        match folders
            .into_iter()
            .flatten()
            .find_map(|folder| rescue(picture, path, &folder, options))
        {
            Some(saved) => PictureError::Rescued {
                saved,
                source: Box::new(failure),
            },
            None => failure,
        }
    })
}

/// Saves a PNG under a free name made from that of `path`; none if this folder does not take it.
fn rescue(
    picture: &Picture,
    path: &Path,
    folder: &Path,
    options: &EncodeOptions,
) -> Option<PathBuf> {
    const ATTEMPTS: u32 = 1000;
    // Perhaps it is a long name that could not be written.
    const LONGEST: usize = 200;
    let stem = path.file_stem()?.to_string_lossy();
    let stem = &stem[..stem.floor_char_boundary(LONGEST)];
    let options = EncodeOptions {
        overwrite: false,
        ..options.clone()
    };
    for attempt in 1..=ATTEMPTS {
        let saved = folder.join(format!("{stem}-rescued-{attempt}.png"));
        if saved.symlink_metadata().is_ok() {
            continue;
        }
        match encode(picture, &saved, &options) {
            Ok(()) => return Some(saved),
            Err(PictureError::File(FileError::Exists { .. })) => (),
            Err(_) => return None,
        }
    }
    None
}
