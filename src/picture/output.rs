use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::decode::not_a_file;
use super::{PictureError, claim};

/// A format pictures are written in, chosen by the file's extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// `.png`: 8 or 16 bits, alpha.
    Png,
    /// `.jpg`, `.jpeg`: 8 bits, no alpha.
    Jpeg,
    /// `.webp`: 8 bits, alpha, lossless.
    WebP,
    /// `.tif`, `.tiff`: 8 or 16 bits, alpha.
    Tiff,
}

impl OutputFormat {
    /// The format for a path's extension, in any case.
    ///
    /// # Errors
    /// [`PictureError::UnknownExtension`] for any other or none.
    pub fn from_path(path: &Path) -> Result<Self, PictureError> {
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "png" => Ok(Self::Png),
            "jpg" | "jpeg" => Ok(Self::Jpeg),
            "webp" => Ok(Self::WebP),
            "tif" | "tiff" => Ok(Self::Tiff),
            _ => Err(PictureError::UnknownExtension {
                path: path.to_owned(),
            }),
        }
    }

    /// Whether 16-bit samples can be written; JPEG and WebP have 8 bits.
    pub fn has_sixteen_bits(self) -> bool {
        matches!(self, Self::Png | Self::Tiff)
    }

    /// Whether transparency can be written; JPEG has none.
    pub fn has_alpha(self) -> bool {
        self != Self::Jpeg
    }

    /// Longest side the format can express, in pixels.
    pub fn max_side(self) -> usize {
        match self {
            Self::Png | Self::Tiff => i32::MAX as usize,
            Self::Jpeg => 65_535,
            Self::WebP => 16_383,
        }
    }

    /// Refuses a size (pixels) the format cannot express.
    ///
    /// # Errors
    /// [`PictureError::TooLargeForFormat`].
    pub fn check_size(self, path: &Path, width: usize, height: usize) -> Result<(), PictureError> {
        let max = self.max_side();
        if width.max(height) <= max {
            return Ok(());
        }
        Err(PictureError::TooLargeForFormat {
            path: path.to_owned(),
            width,
            height,
            format: self,
            max,
        })
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::Tiff => "TIFF",
        })
    }
}

/// Checks, before any work, that a picture can be written to `path`.
///
/// The extension is known, the folder exists and takes a new file, `path` is none of the inputs (through links too),
/// and nothing is there yet unless `overwrite`.
///
/// # Errors
/// The first of these that does not hold.
pub fn check_output(path: &Path, inputs: &[&Path], overwrite: bool) -> Result<(), PictureError> {
    OutputFormat::from_path(path)?;
    check_place(path, inputs, overwrite)
}

/// [`check_output`] for a file of any extension.
pub(super) fn check_place(
    path: &Path,
    inputs: &[&Path],
    overwrite: bool,
) -> Result<(), PictureError> {
    if let Ok(metadata) = fs::metadata(path)
        && let Some(kind) = not_a_file(metadata.file_type())
    {
        return Err(PictureError::NotAFile {
            path: path.to_owned(),
            kind,
        });
    }
    check_folder(path)?;
    check_not_input(path, inputs)?;
    if !overwrite && path.symlink_metadata().is_ok() {
        return Err(PictureError::Exists {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Checks that `path` is none of the inputs, directly or through a link.
///
/// # Errors
/// [`PictureError::OutputIsInput`].
pub fn check_not_input(path: &Path, inputs: &[&Path]) -> Result<(), PictureError> {
    for &input in inputs {
        // Only regular files are compared: opening a pipe to compare it would wait for a writer.
        if input.is_file()
            && path.is_file()
            && same_file::is_same_file(input, path).unwrap_or(false)
        {
            return Err(PictureError::OutputIsInput {
                path: path.to_owned(),
                input: input.to_owned(),
            });
        }
    }
    Ok(())
}

/// The folder a path lies in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The file a path stands for: where its links lead, so that they stay links when the file is replaced.
pub(super) fn target(path: &Path) -> PathBuf {
    if path.is_symlink() {
        fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
    } else {
        path.to_owned()
    }
}

fn check_folder(path: &Path) -> Result<(), PictureError> {
    let target = target(path);
    let folder = folder(&target);
    if !folder.is_dir() {
        return Err(PictureError::NoFolder {
            path: path.to_owned(),
            folder: folder.to_owned(),
        });
    }
    // Permissions, read-only mounts and quotas are only known for sure by trying.
    let prefix = claim::prefix(&target);
    let mut builder = tempfile::Builder::new();
    claim::temporary(&target, builder.prefix(&prefix).suffix(claim::PART))
        .and_then(tempfile::NamedTempFile::close)
        .map_err(|source: io::Error| PictureError::FolderNotWritable {
            path: path.to_owned(),
            folder: folder.to_owned(),
            source,
        })
}
