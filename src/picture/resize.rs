use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{F32x3, F32x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use super::{Picture, unit};

/// The size whose long side is `size` pixels and whose aspect ratio is that of `width` x `height`.
///
/// The short side is rounded to the nearest integer, halves to even, and is at least 1 px.
pub fn fit_long_side(width: usize, height: usize, size: usize) -> (usize, usize) {
    let scale = size as f64 / width.max(height).max(1) as f64;
    let fit = |side: usize| ((side as f64 * scale).round_ties_even() as usize).max(1);
    (fit(width), fit(height))
}

impl Picture {
    /// This picture at another size (pixels, at least 1), resampled with a Lanczos-3 filter on the sRGB-encoded values.
    ///
    /// Colours are weighted by opacity, so transparent pixels do not bleed into visible ones. Samples stay in [0, 1].
    ///
    /// # Panics
    /// If the fields of this picture contradict each other, or a side is 0 or does not fit 32 bits.
    #[must_use]
    pub fn resized(&self, width: usize, height: usize) -> Picture {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let (from, to) = ((self.width, self.height), (width, height));
        let mut resized = Picture {
            width,
            height,
            pixels: Vec::new(),
            alpha: None,
            depth: self.depth,
            notes: self.notes.clone(),
        };
        if let Some(alpha) = &self.alpha {
            let rgba: Vec<f32> = self
                .pixels
                .as_chunks::<3>()
                .0
                .iter()
                .zip(alpha)
                .flat_map(|(&[r, g, b], &a)| [r, g, b, a])
                .collect();
            let rgba = resample::<F32x4>(&rgba, from, to, FilterType::Lanczos3);
            let rgba = rgba.as_chunks::<4>().0;
            resized.pixels = rgba.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
            resized.alpha = Some(rgba.iter().map(|p| p[3]).collect());
            resized.neutralise_hidden();
        } else {
            resized.pixels = resample::<F32x3>(&self.pixels, from, to, FilterType::Lanczos3);
        }
        resized
    }

    /// [`Self::resized`] without a second copy where it has that size already.
    #[must_use]
    pub(crate) fn into_size(self, width: usize, height: usize) -> Picture {
        if (width, height) == (self.width, self.height) {
            self
        } else {
            self.resized(width, height)
        }
    }
}

/// Interleaved samples of one width and height (pixels) at another, clamped to [0, 1]; the filter is widened when the
/// picture shrinks. Panics as [`Picture::resized`] does.
///
/// The kind of pixel is a type: named by a value, the library's code for every kind would be compiled, and that
/// would be half of all of this crate's.
pub(super) fn resample<P: PixelTrait>(
    samples: &[f32],
    from: (usize, usize),
    to: (usize, usize),
    filter: FilterType,
) -> Vec<f32> {
    let side = |n: usize| u32::try_from(n).expect("sides fit 32 bits: see # Panics");
    let mut out = vec![0.0_f32; to.0 * to.1 * P::count_of_components()];
    let source = bytemuck::cast_slice(samples);
    let source = TypedImageRef::<P>::from_buffer(side(from.0), side(from.1), source)
        .expect("width, height and samples agree: see # Panics");
    let target = bytemuck::cast_slice_mut(&mut out);
    let mut target = TypedImage::<P>::from_buffer(side(to.0), side(to.1), target)
        .expect("the buffer was made for this size");
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    Resizer::new()
        .resize_typed(&source, &mut target, &options)
        .expect("the whole of the source is asked for");
    for v in &mut out {
        *v = unit(*v);
    }
    out
}
