//! Where input transforms read from: an activation, or a gradient with its mask and unpooling.

use super::super::bits;
use super::super::simd::Simd;

/// A map, read pixel by pixel.
pub trait Fetch: Sync {
    /// Where a pixel's channels begin.
    type Place: Copy + Default;
    /// Rows and columns that exist; all others are zero.
    fn extent(&self) -> (usize, usize);
    /// Channels, a multiple of 16.
    fn channels(&self) -> usize;
    /// The pixel at row `y`, column `x`.
    fn place(&self, y: usize, x: usize) -> Self::Place;
    /// A pixel's vector from channel `c`.
    fn fetch<S: Simd>(&self, s: S, place: Self::Place, c: usize) -> S::V;
    /// Announces that a pixel's vector will be fetched soon.
    fn prefetch<S: Simd>(&self, s: S, place: Self::Place, c: usize);
}

/// An activation map.
pub struct Activation<'a> {
    /// Height, width, channels.
    pub shape: [usize; 3],
    /// Channels-last values.
    pub data: &'a [f32],
}

impl Fetch for Activation<'_> {
    type Place = usize;
    fn extent(&self) -> (usize, usize) {
        (self.shape[0], self.shape[1])
    }
    fn channels(&self) -> usize {
        self.shape[2]
    }
    #[inline(always)]
    fn place(&self, y: usize, x: usize) -> usize {
        (y * self.shape[1] + x) * self.shape[2]
    }
    #[inline(always)]
    fn fetch<S: Simd>(&self, s: S, place: usize, c: usize) -> S::V {
        s.load(self.data, place + c)
    }
    #[inline(always)]
    fn prefetch<S: Simd>(&self, s: S, place: usize, c: usize) {
        s.prefetch(self.data, place + c);
    }
}

/// The gradient of a layer's output, as seen before its `ReLU`.
pub struct Gated<'a> {
    /// Height, width, channels.
    pub shape: [usize; 3],
    /// Channels-last values.
    pub data: &'a [f32],
    /// Where it passes.
    pub bits: &'a [u16],
}

impl Fetch for Gated<'_> {
    type Place = usize;
    fn extent(&self) -> (usize, usize) {
        (self.shape[0], self.shape[1])
    }
    fn channels(&self) -> usize {
        self.shape[2]
    }
    #[inline(always)]
    fn place(&self, y: usize, x: usize) -> usize {
        (y * self.shape[1] + x) * self.shape[2]
    }
    #[inline(always)]
    fn fetch<S: Simd>(&self, s: S, place: usize, c: usize) -> S::V {
        let at = place + c;
        s.keep(s.load(self.data, at), bits::read(self.bits, at))
    }
    #[inline(always)]
    fn prefetch<S: Simd>(&self, s: S, place: usize, c: usize) {
        s.prefetch(self.data, place + c);
    }
}

/// The gradient of a layer's pooled output, as seen before its pool and `ReLU`.
pub struct Unpooled<'a> {
    /// Height, width, channels before the pool.
    pub shape: [usize; 3],
    /// Channels-last values after the pool.
    pub data: &'a [f32],
    /// Where it passes, before the pool.
    pub bits: &'a [u16],
    /// What each pixel gets of its window's gradient: 1, or 1/4 for an average.
    pub share: f32,
}

impl Fetch for Unpooled<'_> {
    /// The pixel's bits, and its window's value.
    type Place = (usize, usize);
    fn extent(&self) -> (usize, usize) {
        (self.shape[0] / 2 * 2, self.shape[1] / 2 * 2)
    }
    fn channels(&self) -> usize {
        self.shape[2]
    }
    #[inline(always)]
    fn place(&self, y: usize, x: usize) -> (usize, usize) {
        let [_, width, channels] = self.shape;
        let window = (y / 2 * (width / 2) + x / 2) * channels;
        ((y * width + x) * channels, window)
    }
    #[inline(always)]
    fn fetch<S: Simd>(&self, s: S, (pixel, window): (usize, usize), c: usize) -> S::V {
        let value = s.mul(s.load(self.data, window + c), s.splat(self.share));
        s.keep(value, bits::read(self.bits, pixel + c))
    }
    #[inline(always)]
    fn prefetch<S: Simd>(&self, s: S, (_, window): (usize, usize), c: usize) {
        s.prefetch(self.data, window + c);
    }
}
