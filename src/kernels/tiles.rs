//! Winograd's transforms of tiles, F(4x4, 3x3) of Lavin and Gray (2016), with what comes before
//! and after them: masks and unpooling on the way in; bias, `ReLU` and pooling on the way out.

use super::bits;
use super::filters::POSITIONS;
use super::simd::{Kernel, Simd};

/// How a map is covered by tiles of 4 x 4 pixels.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Height of the map in pixels.
    pub height: usize,
    /// Width of the map in pixels.
    pub width: usize,
}

impl Grid {
    /// Tiles in a row.
    pub fn across(self) -> usize {
        self.width.div_ceil(4)
    }
    /// Rows of tiles.
    pub fn down(self) -> usize {
        self.height.div_ceil(4)
    }
}

/// Where input transforms read from.
pub trait Fetch: Sync {
    /// Turns each tile by 180 degrees.
    ///
    /// A convolution with turned filters is a convolution of the turned map, turned back: so the
    /// gradient needs no second set of filters.
    const TURN: bool;
    /// Rows and columns that exist; all others are zero.
    fn extent(&self) -> (usize, usize);
    /// Channels, a multiple of 16.
    fn channels(&self) -> usize;
    /// The vector at row `y`, column `x`, from channel `c`.
    fn fetch<S: Simd>(&self, s: S, y: usize, x: usize, c: usize) -> S::V;
}

/// An activation map.
pub struct Activation<'a> {
    /// Height, width, channels.
    pub shape: [usize; 3],
    /// Channels-last values.
    pub data: &'a [f32],
}

impl Fetch for Activation<'_> {
    const TURN: bool = false;
    fn extent(&self) -> (usize, usize) {
        (self.shape[0], self.shape[1])
    }
    fn channels(&self) -> usize {
        self.shape[2]
    }
    #[inline(always)]
    fn fetch<S: Simd>(&self, s: S, y: usize, x: usize, c: usize) -> S::V {
        s.load(self.data, (y * self.shape[1] + x) * self.shape[2] + c)
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
    const TURN: bool = true;
    fn extent(&self) -> (usize, usize) {
        (self.shape[0], self.shape[1])
    }
    fn channels(&self) -> usize {
        self.shape[2]
    }
    #[inline(always)]
    fn fetch<S: Simd>(&self, s: S, y: usize, x: usize, c: usize) -> S::V {
        let at = (y * self.shape[1] + x) * self.shape[2] + c;
        s.keep(s.load(self.data, at), bits::read(self.bits, at))
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
    const TURN: bool = true;
    fn extent(&self) -> (usize, usize) {
        (self.shape[0] / 2 * 2, self.shape[1] / 2 * 2)
    }
    fn channels(&self) -> usize {
        self.shape[2]
    }
    #[inline(always)]
    fn fetch<S: Simd>(&self, s: S, y: usize, x: usize, c: usize) -> S::V {
        let [_, width, channels] = self.shape;
        let at = (y * width + x) * channels + c;
        let pooled = (y / 2 * (width / 2) + x / 2) * channels + c;
        let value = s.mul(s.load(self.data, pooled), s.splat(self.share));
        s.keep(value, bits::read(self.bits, at))
    }
}

/// Transforms `count` tiles from number `first` on: `out` gets 36 matrices, `stride` apart, of
/// tiles by channels.
pub struct TransformIn<'a, F> {
    pub fetch: &'a F,
    pub grid: Grid,
    pub first: usize,
    pub count: usize,
    pub out: &'a mut [f32],
    pub stride: usize,
}

impl<F: Fetch> TransformIn<'_, F> {
    /// The vector at row `i` and column `j` of a tile's 6 x 6 pixels.
    #[inline(always)]
    fn pixel<S: Simd, const INSIDE: bool>(
        &self,
        s: S,
        [ty, tx]: [usize; 2],
        [i, j]: [usize; 2],
        c: usize,
    ) -> S::V {
        let (i, j) = if F::TURN { (5 - i, 5 - j) } else { (i, j) };
        // One row and one column of padding: wraps far out of range at the border.
        let (y, x) = ((ty * 4 + i).wrapping_sub(1), (tx * 4 + j).wrapping_sub(1));
        let (height, width) = self.fetch.extent();
        if INSIDE || (y < height && x < width) {
            self.fetch.fetch(s, y, x, c)
        } else {
            s.splat(0.0)
        }
    }

    /// Transforms the `tile`th tile, at a place in the grid; `INSIDE` the map with all its pixels.
    #[inline(always)]
    fn tile<S: Simd, const INSIDE: bool>(&mut self, s: S, tile: usize, place: [usize; 2]) {
        let channels = self.fetch.channels();
        for c in (0..channels).step_by(S::LANES) {
            let mut half = [[s.splat(0.0); 6]; 6];
            for j in 0..6 {
                let mut column = [s.splat(0.0); 6];
                for i in 0..6 {
                    column[i] = self.pixel::<S, INSIDE>(s, place, [i, j], c);
                }
                let column = input_1d(s, column);
                for i in 0..6 {
                    half[i][j] = column[i];
                }
            }
            for i in 0..6 {
                let row = input_1d(s, half[i]);
                for j in 0..6 {
                    let at = (i * 6 + j) * self.stride + tile * channels + c;
                    s.store(self.out, at, row[j]);
                }
            }
        }
    }
}

impl<F: Fetch> Kernel for TransformIn<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let channels = self.fetch.channels();
        let (height, width) = self.fetch.extent();
        assert!(self.out.len() >= (POSITIONS - 1) * self.stride + self.count * channels);
        for tile in 0..self.count {
            let (ty, tx) = (
                (self.first + tile) / self.grid.across(),
                (self.first + tile) % self.grid.across(),
            );
            let inside = ty > 0 && tx > 0 && ty * 4 + 5 <= height && tx * 4 + 5 <= width;
            if inside {
                self.tile::<S, true>(s, tile, [ty, tx]);
            } else {
                self.tile::<S, false>(s, tile, [ty, tx]);
            }
        }
    }
}

#[inline(always)]
fn input_1d<S: Simd>(s: S, d: [S::V; 6]) -> [S::V; 6] {
    let (two, four, minus) = (
        s.splat(2.0),
        s.splat(4.0),
        (s.splat(-2.0), s.splat(-4.0), s.splat(-5.0)),
    );
    let even = s.mul_add(minus.1, d[2], d[4]);
    let odd = s.mul_add(minus.1, d[1], d[3]);
    let (far, near) = (s.sub(d[4], d[2]), s.sub(d[3], d[1]));
    [
        s.mul_add(four, d[0], s.mul_add(minus.2, d[2], d[4])),
        s.add(even, odd),
        s.sub(even, odd),
        s.mul_add(two, near, far),
        s.mul_add(minus.0, near, far),
        s.mul_add(four, d[1], s.mul_add(minus.2, d[3], d[5])),
    ]
}

#[inline(always)]
fn output_1d<S: Simd>(s: S, m: [S::V; 6]) -> [S::V; 4] {
    let (sum, difference) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
    let (far_sum, far_difference) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
    [
        s.add(m[0], s.add(sum, far_sum)),
        s.mul_add(s.splat(2.0), far_difference, difference),
        s.mul_add(s.splat(4.0), far_sum, sum),
        s.add(m[5], s.mul_add(s.splat(8.0), far_difference, difference)),
    ]
}

/// Some rows of an output map that one thread owns, with their bits.
pub struct Rows<'a> {
    /// Channels-last values, of pooled rows where there is a pool.
    pub out: &'a mut [f32],
    /// Bits of the rows before the pool; empty where none are made.
    pub bits: &'a mut [u16],
    /// The first row, before the pool.
    pub first: usize,
}

/// A finished tile: 4 x 4 vectors at a tile's place and channel.
pub struct Tile<V> {
    y: [[V; 4]; 4],
    row: usize,
    column: usize,
    channel: usize,
}

/// What happens to output tiles.
pub trait Finish: Sync {
    /// Channels of the output, a multiple of 16.
    fn channels(&self) -> usize;
    /// Writes a tile to the rows it lies in.
    fn finish<S: Simd>(&self, s: S, tile: Tile<S::V>, grid: Grid, rows: &mut Rows);
}

/// A gradient, written as it is; its tiles come turned.
pub struct Gradient {
    /// Channels.
    pub channels: usize,
}

impl Finish for Gradient {
    fn channels(&self) -> usize {
        self.channels
    }
    #[inline(always)]
    fn finish<S: Simd>(&self, s: S, tile: Tile<S::V>, grid: Grid, rows: &mut Rows) {
        for i in 0..4 {
            for j in 0..4 {
                let (y, x) = (tile.row + i, tile.column + j);
                if y < grid.height && x < grid.width {
                    let at = ((y - rows.first) * grid.width + x) * self.channels + tile.channel;
                    s.store(rows.out, at, tile.y[3 - i][3 - j]);
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
    fn finish<S: Simd>(&self, s: S, tile: Tile<S::V>, grid: Grid, rows: &mut Rows) {
        let bias = s.load(self.bias, tile.channel);
        let zero = s.splat(0.0);
        for i in 0..4 {
            for j in 0..4 {
                let (y, x) = (tile.row + i, tile.column + j);
                if y < grid.height && x < grid.width {
                    let at = ((y - rows.first) * grid.width + x) * self.bias.len() + tile.channel;
                    let v = s.add(tile.y[i][j], bias);
                    s.store(rows.out, at, s.max(zero, v));
                    bits::set(rows.bits, at, s.greater(v, zero));
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
    fn finish<S: Simd>(&self, s: S, tile: Tile<S::V>, grid: Grid, rows: &mut Rows) {
        let bias = s.load(self.bias, tile.channel);
        let channels = self.bias.len();
        for i in [0, 2] {
            for j in [0, 2] {
                let (y, x) = (tile.row + i - rows.first, tile.column + j);
                if tile.row + i + 1 < grid.height && x + 1 < grid.width {
                    let window = [
                        s.add(tile.y[i][j], bias),
                        s.add(tile.y[i][j + 1], bias),
                        s.add(tile.y[i + 1][j], bias),
                        s.add(tile.y[i + 1][j + 1], bias),
                    ];
                    let (value, passes) = pool::<S, MAX>(s, window);
                    let at = (y / 2 * (grid.width / 2) + x / 2) * channels + tile.channel;
                    s.store(rows.out, at, value);
                    for k in 0..4 {
                        let at = ((y + k / 2) * grid.width + x + k % 2) * channels + tile.channel;
                        bits::set(rows.bits, at, passes[k]);
                    }
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
        let [first, one, two, three] = [
            first & positive,
            one & positive,
            two & positive,
            three & positive,
        ];
        (s.max(zero, max), [first, one, two, three])
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

/// Transforms `count` products back, from tile number `first` on, and finishes them.
pub struct TransformOut<'a, 'b, E> {
    pub finish: &'a E,
    pub grid: Grid,
    pub first: usize,
    pub count: usize,
    /// 36 matrices, `stride` apart, of tiles by `width` channels.
    pub products: &'a [f32],
    pub stride: usize,
    pub width: usize,
    /// The first of those channels.
    pub channel: usize,
    pub rows: &'a mut Rows<'b>,
}

impl<E: Finish> Kernel for TransformOut<'_, '_, E> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        assert!(self.products.len() >= (POSITIONS - 1) * self.stride + self.count * self.width);
        for tile in 0..self.count {
            let number = self.first + tile;
            for c in (0..self.width).step_by(S::LANES) {
                let mut half = [[s.splat(0.0); 6]; 4];
                for j in 0..6 {
                    let mut column = [s.splat(0.0); 6];
                    for i in 0..6 {
                        let at = (i * 6 + j) * self.stride + tile * self.width + c;
                        column[i] = s.load(self.products, at);
                    }
                    let column = output_1d(s, column);
                    for i in 0..4 {
                        half[i][j] = column[i];
                    }
                }
                let mut y = [[s.splat(0.0); 4]; 4];
                for i in 0..4 {
                    y[i] = output_1d(s, half[i]);
                }
                let tile = Tile {
                    y,
                    row: number / self.grid.across() * 4,
                    column: number % self.grid.across() * 4,
                    channel: self.channel + c,
                };
                self.finish.finish(s, tile, self.grid, self.rows);
            }
        }
    }
}
