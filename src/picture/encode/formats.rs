//! One function per output format. Each tags its file as sRGB.

use std::borrow::Cow;
use std::io::{self, Seek, Write};
use std::ops::Range;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};
use moxcms::ColorProfile;

use super::{EncodeOptions, png, tiff, webp};
use crate::files::FileError;
use crate::picture::{OutputFormat, Picture, PictureError, eight_bit, provenance};

/// Of a JPEG, unless asked for.
const QUALITY: u8 = 95;

/// Where a profile's header has its date: six numbers of two bytes, the year first (ICC.1:2010, 7.2.10).
const DATE: Range<usize> = 24..36;
/// The first day of 1999, the year of IEC 61966-2-1.
const YEAR_OF_SRGB: [u8; 12] = [7, 207, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0];

/// Why no file came out.
pub(super) enum Failure {
    Io(io::Error),
    Encoder(String),
}

impl Failure {
    /// The error of a file of this name and format.
    pub(super) fn of(self, path: &Path, format: OutputFormat) -> PictureError {
        match self {
            Self::Io(source) => FileError::writing(path, source).into(),
            Self::Encoder(reason) => PictureError::Encoding {
                path: path.to_owned(),
                format,
                reason,
            },
        }
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::IoError(e) => Self::Io(e),
            e => Self::Encoder(e.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<::png::EncodingError> for Failure {
    fn from(error: ::png::EncodingError) -> Self {
        match error {
            ::png::EncodingError::IoError(e) => Self::Io(e),
            e => Self::Encoder(e.to_string()),
        }
    }
}

impl From<::tiff::TiffError> for Failure {
    fn from(error: ::tiff::TiffError) -> Self {
        match error {
            ::tiff::TiffError::IoError(e) => Self::Io(e),
            e => Self::Encoder(e.to_string()),
        }
    }
}

pub(super) fn write(
    out: &mut (impl Write + Seek),
    format: OutputFormat,
    picture: &Picture,
    options: &EncodeOptions,
) -> Result<(), Failure> {
    check_provenance(format, options)?;
    // In range: `check_size` of every format stays under 2^31.
    let size = (picture.width as u32, picture.height as u32);
    match format {
        OutputFormat::Png => png::write(out, size, picture, options),
        OutputFormat::Jpeg => jpeg(out, size, picture, options),
        OutputFormat::WebP => webp::write(out, size, picture, options),
        OutputFormat::Tiff => tiff::write(out, picture, options),
    }
}

/// Refuses a provenance that could not be read back.
fn check_provenance(format: OutputFormat, options: &EncodeOptions) -> Result<(), Failure> {
    let longest = match format {
        // The encoder would write a wrong length and so a broken file. A segment has 65535 bytes, less the length
        // itself, the word that marks EXIF, and what EXIF needs around the text.
        OutputFormat::Jpeg => 65_000,
        _ => provenance::LONGEST,
    };
    let length = options.provenance.as_ref().map_or(0, String::len);
    if length > longest {
        return Err(Failure::Encoder(format!(
            "its provenance is longer than the {longest} bytes a {format} can carry"
        )));
    }
    Ok(())
}

fn jpeg(
    out: impl Write,
    (width, height): (u32, u32),
    picture: &Picture,
    options: &EncodeOptions,
) -> Result<(), Failure> {
    let mut encoder =
        JpegEncoder::new_with_quality(out, options.quality.unwrap_or(QUALITY).clamp(1, 100));
    tag(&mut encoder, options)?;
    let rgb = eight_bit(&picture.on_white());
    Ok(encoder.write_image(&rgb, width, height, ExtendedColorType::Rgb8)?)
}

/// The sRGB profile and the provenance, for the encoders of `image`.
pub(super) fn tag(encoder: &mut impl ImageEncoder, options: &EncodeOptions) -> Result<(), Failure> {
    let unsupported = |e: image::error::UnsupportedError| Failure::Encoder(e.to_string());
    encoder
        .set_icc_profile(srgb_profile()?)
        .map_err(unsupported)?;
    if let Some(exif) = exif(options)? {
        encoder.set_exif_metadata(exif).map_err(unsupported)?;
    }
    Ok(())
}

/// The provenance as an EXIF block.
pub(super) fn exif(options: &EncodeOptions) -> Result<Option<Vec<u8>>, Failure> {
    let text = options.provenance.as_ref();
    let exif = text.map(|text| provenance::to_exif(text)).transpose();
    exif.map_err(|e| Failure::Encoder(e.to_string()))
}

pub(super) fn srgb_profile() -> Result<Vec<u8>, Failure> {
    let profile = ColorProfile::new_srgb().encode();
    let mut profile = profile.map_err(|e| Failure::Encoder(e.to_string()))?;
    // The crate takes the time of day, and no two files would be equal.
    if let Some(date) = profile.get_mut(DATE) {
        date.copy_from_slice(&YEAR_OF_SRGB);
    }
    Ok(profile)
}

/// Samples in 16 bits, native byte order.
pub(super) fn sixteen_bit(samples: &[f32]) -> Vec<u16> {
    samples
        .iter()
        .map(|v| (v * 65535.0).round() as u16)
        .collect()
}

/// RGB samples, or RGBA if the picture has an alpha channel.
pub(super) fn interleaved(picture: &Picture) -> Cow<'_, [f32]> {
    let Some(alpha) = &picture.alpha else {
        return Cow::Borrowed(&picture.pixels);
    };
    with_alpha(&picture.pixels, alpha).collect()
}

/// The rows, as RGB samples, or RGBA if the picture has an alpha channel.
pub(super) fn rows(picture: &Picture) -> impl Iterator<Item = Cow<'_, [f32]>> {
    let alpha = picture.alpha.as_deref();
    let rows = picture.pixels.chunks_exact(3 * picture.width).enumerate();
    rows.map(move |(y, row)| match alpha {
        Some(alpha) => with_alpha(row, &alpha[y * picture.width..]).collect(),
        None => Cow::Borrowed(row),
    })
}

fn with_alpha(rgb: &[f32], alpha: &[f32]) -> impl Iterator<Item = f32> {
    let rgb = rgb.as_chunks::<3>().0.iter().zip(alpha);
    rgb.flat_map(|(&[r, g, b], &a)| [r, g, b, a])
}
