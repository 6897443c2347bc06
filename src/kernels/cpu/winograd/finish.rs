//! What happens to output tiles: bias, `ReLU` and pooling, or nothing for a gradient.

use super::super::bits;
use super::super::simd::Simd;
use super::grid::{Grid, Rows};

/// A finished tile: 4 x 4 vectors at a tile's place and channel.
pub struct Tile<V> {
    /// Rows of vectors.
    pub y: [[V; 4]; 4],
    /// The first pixel's row in the map.
    pub row: usize,
    /// The first pixel's column in the map.
    pub column: usize,
    /// The first channel.
    pub channel: usize,
}

/// Writes output tiles.
pub trait Finish: Sync {
    /// Channels of the output, a multiple of 16.
    fn channels(&self) -> usize;
    /// Writes a tile to the rows it lies in; `WHOLE` with all its pixels.
    fn finish<S: Simd, const WHOLE: bool>(
        &self,
        s: S,
        tile: Tile<S::V>,
        grid: Grid,
        rows: &mut Rows,
    );
}

impl<V> Tile<V> {
    /// The index of the first pixel in rows of `channels` channels that begin with row `first`.
    #[inline(always)]
    fn start(&self, grid: Grid, first: usize, channels: usize) -> usize {
        ((self.row - first) * grid.width + self.column) * channels + self.channel
    }
}

/// A gradient, written as it is.
pub struct Gradient {
    /// Channels.
    pub channels: usize,
}

impl Finish for Gradient {
    fn channels(&self) -> usize {
        self.channels
    }
    #[inline(always)]
    fn finish<S: Simd, const WHOLE: bool>(
        &self,
        s: S,
        tile: Tile<S::V>,
        grid: Grid,
        rows: &mut Rows,
    ) {
        let start = tile.start(grid, rows.first, self.channels);
        for i in 0..4 {
            if WHOLE {
                let at = start + i * grid.width * self.channels;
                s.store_steps(rows.out, at, self.channels, tile.y[i]);
                continue;
            }
            for j in 0..4 {
                if tile.row + i < grid.height && tile.column + j < grid.width {
                    let at = start + (i * grid.width + j) * self.channels;
                    s.store(rows.out, at, tile.y[i][j]);
                }
            }
        }
    }
}

/// Bias and `ReLU`.
pub struct Relu<'a> {
    /// One number for each channel.
    pub bias: &'a [f32],
}

impl Finish for Relu<'_> {
    fn channels(&self) -> usize {
        self.bias.len()
    }
    #[inline(always)]
    fn finish<S: Simd, const WHOLE: bool>(
        &self,
        s: S,
        tile: Tile<S::V>,
        grid: Grid,
        rows: &mut Rows,
    ) {
        let bias = s.load(self.bias, tile.channel);
        let zero = s.splat(0.0);
        let start = tile.start(grid, rows.first, self.bias.len());
        for i in 0..4 {
            for j in 0..4 {
                if WHOLE || (tile.row + i < grid.height && tile.column + j < grid.width) {
                    let at = start + (i * grid.width + j) * self.bias.len();
                    let v = s.add(tile.y[i][j], bias);
                    s.store(rows.out, at, s.max(zero, v));
                    bits::set::<S>(rows.bits, at, s.greater(v, zero));
                }
            }
        }
    }
}

/// Bias, `ReLU` and a 2x2 pool.
pub struct ReluPool<'a, const MAX: bool> {
    /// One number for each channel.
    pub bias: &'a [f32],
}

impl<const MAX: bool> Finish for ReluPool<'_, MAX> {
    fn channels(&self) -> usize {
        self.bias.len()
    }
    #[inline(always)]
    fn finish<S: Simd, const WHOLE: bool>(
        &self,
        s: S,
        tile: Tile<S::V>,
        grid: Grid,
        rows: &mut Rows,
    ) {
        let bias = s.load(self.bias, tile.channel);
        let channels = self.bias.len();
        let row = tile.row - rows.first;
        let start = tile.start(grid, rows.first, channels);
        let small = (row / 2 * (grid.width / 2) + tile.column / 2) * channels + tile.channel;
        let (line, small_line) = (grid.width * channels, grid.width / 2 * channels);
        for (i, j) in [(0, 0), (0, 2), (2, 0), (2, 2)] {
            if WHOLE || (tile.row + i + 1 < grid.height && tile.column + j + 1 < grid.width) {
                let window = [
                    s.add(tile.y[i][j], bias),
                    s.add(tile.y[i][j + 1], bias),
                    s.add(tile.y[i + 1][j], bias),
                    s.add(tile.y[i + 1][j + 1], bias),
                ];
                let (value, passes) = pool::<S, MAX>(s, window);
                s.store(
                    rows.out,
                    small + i / 2 * small_line + j / 2 * channels,
                    value,
                );
                for k in 0..4 {
                    let at = start + (i + k / 2) * line + (j + k % 2) * channels;
                    bits::set::<S>(rows.bits, at, passes[k]);
                }
            }
        }
    }
}

/// `ReLU` and pool of a window in reading order: the value, and where the gradient passes.
#[inline(always)]
pub fn pool<S: Simd, const MAX: bool>(s: S, w: [S::V; 4]) -> (S::V, [u32; 4]) {
    let zero = s.splat(0.0);
    if MAX {
        // The first of equal maxima counts, so a later one must be greater.
        let (one, max) = (s.greater(w[1], w[0]), s.max(w[1], w[0]));
        let (two, max) = (s.greater(w[2], max), s.max(w[2], max));
        let (three, max) = (s.greater(w[3], max), s.max(w[3], max));
        let positive = s.greater(max, zero);
        let two = two & !three;
        let one = one & !two & !three;
        let first = !(one | two | three);
        let passes = [
            first & positive,
            one & positive,
            two & positive,
            three & positive,
        ];
        (s.max(zero, max), passes)
    } else {
        let mut sum = zero;
        let mut passes = [0; 4];
        for k in 0..4 {
            sum = s.add(sum, s.max(zero, w[k]));
            passes[k] = s.greater(w[k], zero);
        }
        (s.mul(sum, s.splat(0.25)), passes)
    }
}
