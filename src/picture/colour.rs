//! Whose colours a result has: the photo's, kept in one of two ways.
//!
//! Both are from Gatys, Bethge, Hertzmann and Shechtman (2016), "Preserving Color in Neural Artistic Style Transfer",
//! arXiv:1606.05897. Luminance and chroma are Y and I, Q of the YIQ space (FCC 1953, the luma weights of ITU-R BT.601),
//! taken of the sRGB-encoded samples.

use std::borrow::Cow;

use super::statistics::Statistics;
use super::symmetric::{Matrix, apply, product, with_eigenvalues};
use super::{Depth, Picture, unit};

/// Shares of R, G and B in the luminance.
pub(super) const LUMINANCE: [f64; 3] = [0.299, 0.587, 0.114];

/// Standard deviation of the error that rounding to 8 bits makes: the least that counts as variation.
fn rounding_error() -> f64 {
    1.0 / 255.0 / 12.0_f64.sqrt()
}

impl Picture {
    /// Luminance of each pixel, in [0, 1], row by row.
    pub fn luminance(&self) -> Vec<f32> {
        let pixels = self.pixels.as_chunks::<3>().0.iter();
        pixels.map(|&rgb| luminance(rgb)).collect()
    }

    /// This picture without its colours: R, G and B are all the luminance.
    #[must_use]
    pub fn grey(&self) -> Picture {
        self.with_pixels(|rgb| [luminance(rgb); 3])
    }

    /// This picture's luminance with the colours of a photo: luminance-only transfer.
    ///
    /// Adding one number to R, G and B moves Y alone; luminance moves in whole steps of this picture's depth, so that
    /// rounding to it leaves each pixel the I and Q of the photo (brought to this size) within one step. Where sRGB has
    /// no such luminance in that colour, luminance goes as far as there is one.
    #[must_use]
    pub fn with_colours_of(&self, photo: &Picture) -> Picture {
        let photo = if (photo.width, photo.height) == (self.width, self.height) {
            Cow::Borrowed(photo)
        } else {
            Cow::Owned(photo.resized(self.width, self.height))
        };
        let levels = match self.depth {
            Depth::Eight => 255.0,
            Depth::Sixteen => 65535.0,
        };
        let colours = photo.pixels.as_chunks::<3>().0.iter();
        let pixels = colours
            .zip(self.luminance())
            .flat_map(|(&rgb, target)| relit(rgb, target, levels))
            .collect();
        Picture {
            pixels,
            ..self.clone()
        }
    }

    /// This painting in grey, its luminance moved and stretched to the mean and deviation of the photo's: what the
    /// style of a luminance-only transfer is taken from.
    ///
    /// Luminance that leaves [0, 1] is clamped. A painting of one luminance becomes the photo's mean.
    #[must_use]
    pub fn luminance_matched(&self, photo: &Picture) -> Picture {
        self.luminance_moved(photo).clamped()
    }

    /// This painting with its colours moved linearly to the mean and covariance of the photo's.
    ///
    /// Colours that leave [0, 1] are clamped. A direction of RGB in which the painting varies by no more than rounding
    /// to 8 bits is left flat: stretching it would show nothing but noise.
    #[must_use]
    pub fn colours_matched(&self, photo: &Picture) -> Picture {
        self.colours_moved(photo).clamped()
    }

    /// [`Picture::luminance_matched`] before clamping.
    fn luminance_moved(&self, photo: &Picture) -> Picture {
        let (from, to) = (Statistics::of(self), Statistics::of(photo));
        let gain = if from.contrast() > rounding_error() {
            to.contrast() / from.contrast()
        } else {
            0.0
        };
        self.with_pixels(|rgb| {
            let off = f64::from(luminance(rgb)) - from.luminance();
            [(to.luminance() + gain * off) as f32; 3]
        })
    }

    /// [`Picture::colours_matched`] before clamping.
    fn colours_moved(&self, photo: &Picture) -> Picture {
        let (from, to) = (Statistics::of(self), Statistics::of(photo));
        let map = between(&from.covariance, &to.covariance);
        self.with_pixels(|rgb| {
            let off = std::array::from_fn(|c| f64::from(rgb[c]) - from.mean[c]);
            let moved = apply(&map, off);
            std::array::from_fn(|c| (to.mean[c] + moved[c]) as f32)
        })
    }

    fn with_pixels(&self, change: impl Fn([f32; 3]) -> [f32; 3]) -> Picture {
        let pixels = self.pixels.as_chunks::<3>().0.iter();
        Picture {
            width: self.width,
            height: self.height,
            pixels: pixels.flat_map(|&rgb| change(rgb)).collect(),
            alpha: self.alpha.clone(),
            depth: self.depth,
            notes: self.notes.clone(),
        }
    }

    fn clamped(mut self) -> Picture {
        for v in &mut self.pixels {
            *v = unit(*v);
        }
        self
    }
}

fn luminance(rgb: [f32; 3]) -> f32 {
    let terms = rgb.iter().zip(LUMINANCE);
    terms.map(|(&v, share)| f64::from(v) * share).sum::<f64>() as f32
}

/// A colour of the photo with as much of the target luminance as fits, in whole steps of a file with so many levels.
fn relit(photo: [f32; 3], target: f32, levels: f32) -> [f32; 3] {
    let photo = photo.map(unit);
    let stored = photo.map(|v| (v * levels).round());
    let (lowest, highest) = (
        stored.into_iter().fold(levels, f32::min),
        stored.into_iter().fold(0.0, f32::max),
    );
    let steps = ((target - luminance(photo)) * levels)
        .round()
        .clamp(-lowest, levels - highest);
    photo.map(|v| unit(v + steps / levels))
}

/// The matrix that takes colours of one covariance to another: the root of `to` times the inverse root of `from`, both
/// symmetric (the paper's "image analogies" form).
fn between(from: &Matrix, to: &Matrix) -> Matrix {
    let least = rounding_error().powi(2);
    let inverse_root = |v: f64| if v > least { 1.0 / v.sqrt() } else { 0.0 };
    product(
        &with_eigenvalues(to, |v| v.max(0.0).sqrt()),
        &with_eigenvalues(from, inverse_root),
    )
}

#[cfg(test)]
mod tests;
