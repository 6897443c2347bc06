//! Pictures in and out: decoding under limits, resizing, and writing that never leaves half a file.
//!
//! A [`Picture`] is always upright, in sRGB, and has one value in [0, 1] for each sample.

mod colour;
mod crop;
mod decode;
mod digest;
mod encode;
mod error;
mod film;
mod frame_path;
mod mask;
mod note;
mod output;
mod provenance;
mod resize;
mod sheet;
mod statistics;
mod symmetric;

use std::borrow::Cow;

pub use decode::{Limits, decode, decode_bytes};
pub use encode::{EncodeOptions, encode, encode_bytes, encode_or_rescue};
pub use error::PictureError;
pub use film::{Film, check_film};
pub use frame_path::{frame_path, numbered};
pub use mask::Mask;
pub use note::Note;
pub use output::{OutputFormat, check_output};
pub use provenance::provenance;
pub use resize::fit_long_side;
pub use sheet::{sheet, sheet_size};
pub(crate) use statistics::Statistics;

/// Bits of each sample in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// 8 bits: 256 levels.
    #[default]
    Eight,
    /// 16 bits: 65536 levels. Floating-point TIFFs count as this too.
    Sixteen,
}

/// A picture in memory: upright, sRGB-encoded, RGB, samples in [0, 1].
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Columns, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
    /// `3 * width * height` sRGB-encoded samples, R, G, B of each pixel, row by row from the top left.
    pub pixels: Vec<f32>,
    /// Opacity of each pixel (`width * height` values, 0 clear, 1 opaque), if the source had any.
    pub alpha: Option<Vec<f32>>,
    /// Bits of each sample in the source.
    pub depth: Depth,
    /// What a person should hear about how the source was read.
    pub notes: Vec<Note>,
}

/// Opacity below which an 8-bit file would say 0.
const LEAST_VISIBLE: f32 = 0.5 / 255.0;

impl Picture {
    /// An opaque 8-bit picture from planes: all of R, then G, then B (the layout of a tensor `[1, 3, height, width]`).
    ///
    /// Samples are clamped to [0, 1]; NaN becomes 0.
    ///
    /// # Errors
    /// [`PictureError::WrongLength`] unless there are `3 * width * height` samples, and at least one pixel.
    pub fn from_planes(width: usize, height: usize, planes: &[f32]) -> Result<Self, PictureError> {
        let size = pixel_count(width, height, planes.len(), 3)?;
        let pixels = (0..size)
            .flat_map(|i| [planes[i], planes[size + i], planes[2 * size + i]])
            .map(unit)
            .collect();
        Ok(Self {
            width,
            height,
            pixels,
            alpha: None,
            depth: Depth::Eight,
            notes: Vec::new(),
        })
    }

    /// The colours as planes: all of R, then G, then B (the layout of a tensor `[1, 3, height, width]`).
    pub fn planes(&self) -> Vec<f32> {
        (0..3)
            .flat_map(|c| self.pixels.iter().skip(c).step_by(3).copied())
            .collect()
    }

    /// The colours laid on white, as [`Picture::pixels`].
    fn on_white(&self) -> Cow<'_, [f32]> {
        let Some(alpha) = &self.alpha else {
            return Cow::Borrowed(&self.pixels);
        };
        let rgb = self.pixels.as_chunks::<3>().0.iter().zip(alpha);
        rgb.flat_map(|(rgb, &a)| rgb.map(|v| v * a + 1.0 - a))
            .collect()
    }

    /// Drops an alpha channel that says nothing: every pixel opaque.
    fn drop_opaque_alpha(&mut self) {
        if self
            .alpha
            .as_ref()
            .is_some_and(|alpha| alpha.iter().all(|&a| a >= 1.0))
        {
            self.alpha = None;
        }
    }

    /// Gives every fully transparent pixel the mean of the visible colours (weighted by opacity).
    ///
    /// What lies under such a pixel is never seen and often garbage, but a network would see it.
    fn neutralise_hidden(&mut self) {
        let Some(alpha) = &self.alpha else { return };
        let (mut sum, mut weight) = ([0.0_f64; 3], 0.0_f64);
        for (rgb, &a) in self.pixels.as_chunks::<3>().0.iter().zip(alpha) {
            let a = f64::from(a);
            weight += a;
            for (s, &v) in sum.iter_mut().zip(rgb) {
                *s += a * f64::from(v);
            }
        }
        let mean = sum.map(|s| {
            if weight > 0.0 {
                (s / weight) as f32
            } else {
                1.0
            }
        });
        for (rgb, &a) in self.pixels.as_chunks_mut::<3>().0.iter_mut().zip(alpha) {
            if a < LEAST_VISIBLE {
                *rgb = mean;
            }
        }
    }

    fn check(&self) -> Result<(), PictureError> {
        pixel_count(self.width, self.height, self.pixels.len(), 3)?;
        self.alpha.as_ref().map_or(Ok(0), |alpha| {
            pixel_count(self.width, self.height, alpha.len(), 1)
        })?;
        Ok(())
    }
}

/// `width * height` if that many pixels of so many channels make exactly so many samples.
fn pixel_count(
    width: usize,
    height: usize,
    samples: usize,
    channels: usize,
) -> Result<usize, PictureError> {
    match width.checked_mul(height) {
        Some(size) if size > 0 && size.checked_mul(channels) == Some(samples) => Ok(size),
        _ => Err(PictureError::WrongLength {
            width,
            height,
            samples,
        }),
    }
}

/// Clamps to [0, 1]; NaN becomes 0.
fn unit(v: f32) -> f32 {
    if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) }
}

/// Samples of [0, 1] in 8 bits.
fn eight_bit(samples: &[f32]) -> Vec<u8> {
    samples.iter().map(|v| (v * 255.0).round() as u8).collect()
}

#[cfg(test)]
mod tests;
