use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

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
        let lanczos = |samples: &[f32], kind| {
            let from = (self.width, self.height);
            resample(samples, from, (width, height), kind, FilterType::Lanczos3)
        };
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
            let rgba = lanczos(&rgba, PixelType::F32x4);
            let rgba = rgba.as_chunks::<4>().0;
            resized.pixels = rgba.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
            resized.alpha = Some(rgba.iter().map(|p| p[3]).collect());
            resized.neutralise_hidden();
        } else {
            resized.pixels = lanczos(&self.pixels, PixelType::F32x3);
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
pub(super) fn resample(
    samples: &[f32],
    from: (usize, usize),
    to: (usize, usize),
    kind: PixelType,
    filter: FilterType,
) -> Vec<f32> {
    let side = |n: usize| u32::try_from(n).expect("sides fit 32 bits: see # Panics");
    let channels = kind.size() / size_of::<f32>();
    let mut out = vec![0.0_f32; to.0 * to.1 * channels];
    let source = ImageRef::new(
        side(from.0),
        side(from.1),
        bytemuck::cast_slice(samples),
        kind,
    )
    .expect("width, height and samples agree: see # Panics");
    let mut target = Image::from_slice_u8(
        side(to.0),
        side(to.1),
        bytemuck::cast_slice_mut(&mut out),
        kind,
    )
    .expect("the buffer was made for this size");
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    Resizer::new()
        .resize(&source, &mut target, &options)
        .expect("source and target have the same pixel type and are not empty");
    for v in &mut out {
        *v = unit(*v);
    }
    out
}
