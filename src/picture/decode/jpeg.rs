//! JPEG beyond what `image` does: cut files are noticed or refused, and the inks of CMYK and YCCK keep their profile.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, RgbaImage};
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::formats::{Decoded, Refusal, check_size, from_decoder};
use super::{Limits, cut, profile};
use crate::picture::{Depth, Note};

/// Percent of a picture that must be there if [`Limits::allow_cut`] is not given.
const ENOUGH: u8 = 90;

impl From<DecodeErrors> for Refusal {
    fn from(error: DecodeErrors) -> Self {
        match error {
            DecodeErrors::Unsupported(_) => Self::Unsupported(error.to_string()),
            error => Self::Damaged(error.to_string()),
        }
    }
}

pub(super) fn decode(
    bytes: &[u8],
    limits: Limits,
    notes: &mut Vec<Note>,
) -> Result<Decoded, Refusal> {
    let decoder = JpegDecoder::new(Cursor::new(bytes))?;
    check_size(decoder.dimensions(), decoder.total_bytes(), limits)?;
    if let Some(percent) = cut::percent_there(bytes) {
        if percent < ENOUGH && !limits.allow_cut {
            return Err(Refusal::Cut(percent));
        }
        notes.push(Note::Cut);
    }
    match inks(bytes)? {
        Some(space) => from_inks(bytes, space, decoder, limits, notes),
        None => from_decoder(decoder, limits),
    }
}

pub(super) fn options() -> DecoderOptions {
    DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
}

/// The colour space of a four-ink file; none for grey and RGB.
fn inks(bytes: &[u8]) -> Result<Option<ColorSpace>, Refusal> {
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options());
    decoder.decode_headers()?;
    Ok(decoder
        .input_colorspace()
        .filter(|space| matches!(space, ColorSpace::CMYK | ColorSpace::YCCK)))
}

fn from_inks(
    bytes: &[u8],
    space: ColorSpace,
    mut header: impl ImageDecoder,
    limits: Limits,
    notes: &mut Vec<Note>,
) -> Result<Decoded, Refusal> {
    let (width, height) = header.dimensions();
    let size = u64::from(width) * u64::from(height);
    check_size((width, height), 4 * size, limits)?;
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(
        ZCursor::new(bytes),
        options().jpeg_set_out_colorspace(space),
    );
    let mut inks = decoder.decode()?;
    for pixel in inks.as_chunks_mut::<4>().0 {
        *pixel = match space {
            ColorSpace::YCCK => ycck_to_ink(*pixel),
            _ => pixel.map(|v| 255 - v),
        };
    }
    let inks = RgbaImage::from_raw(width, height, inks)
        .ok_or_else(|| Refusal::Damaged("fewer samples than its size claims".to_owned()))?;
    let mut inks = DynamicImage::ImageRgba8(inks);
    inks.apply_orientation(header.orientation().unwrap_or(Orientation::NoTransforms));
    let icc = header.icc_profile().ok().flatten();
    Ok(Decoded {
        width: inks.width(),
        height: inks.height(),
        rgb: profile::ink_to_srgb(inks.as_bytes(), icc.as_deref(), notes),
        alpha: None,
        grey: false,
        depth: Depth::Eight,
        icc: None,
    })
}

/// Inks (0 none, 255 full) from the YCCK samples of a file that follows Adobe's inverted convention.
///
/// Y, Cb, Cr is the JFIF transform (ITU-T T.871) of 255 minus the stored C, M, Y, and those and K are stored inverted:
/// so R, G, B of the transform are the inks, and K is inverted.
fn ycck_to_ink([y, cb, cr, k]: [u8; 4]) -> [u8; 4] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    let byte = |v: f32| v.round().clamp(0.0, 255.0) as u8;
    [
        byte(y + 1.402 * cr),
        byte(y - 0.344_136 * cb - 0.714_136 * cr),
        byte(y + 1.772 * cb),
        255 - k,
    ]
}
