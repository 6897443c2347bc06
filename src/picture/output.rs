use std::fmt;
use std::path::Path;

use super::PictureError;
use crate::files::check_place;

/// A format pictures are written in, chosen by the file's extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// `.png`: 8 or 16 bits, alpha.
    Png,
    /// `.jpg`, `.jpeg`: 8 bits, no alpha.
    Jpeg,
    /// `.webp`: 8 bits, alpha, lossless unless a quality is asked for.
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

    /// Whether a quality can be asked for, at the price of some loss.
    pub fn can_be_lossy(self) -> bool {
        matches!(self, Self::Jpeg | Self::WebP)
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
    Ok(check_place(path, inputs, overwrite)?)
}
