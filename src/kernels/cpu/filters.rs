//! Filters of one layer, kept as they are given and transformed when they are used.
//!
//! A transformed filter is four times as large, and 512 x 512 of them (38 MB) do not fit into a
//! cache: making the part that is needed next takes less time than reading it from memory, serves
//! both directions, and leaves the memory to the maps.

use std::ops::Range;

use super::buffer::Buffer;
use super::simd::{Isa, Kernel, STRIP, Simd, transpose16};

/// Output channels in a panel of transformed filters.
pub const PANEL: usize = 64;
/// Elements of a transformed filter, and of a transformed tile: 6 x 6.
pub const POSITIONS: usize = 36;
/// Floats of a block in one input channel: 9 taps of 16 output channels.
const ROW: usize = 9 * 16;
/// Floats in a block of 16 x 16 filters.
const BLOCK: usize = 16 * ROW;

/// Rounds channels up to what the kernels take.
pub const fn padded(channels: usize) -> usize {
    channels.next_multiple_of(16)
}

/// Which way the filters are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From inputs to outputs.
    Forward,
    /// From outputs to inputs: a convolution with transposed and turned filters.
    Backward,
}

/// 3x3 filters.
///
/// Blocks of 16 x 16 channels, inputs outermost; in a block input channels, then taps, then output
/// channels.
#[derive(Debug)]
pub struct WinogradFilters {
    /// Input channels, a multiple of 16.
    pub inputs: usize,
    /// Output channels, a multiple of 16.
    pub outputs: usize,
    blocks: Buffer,
}

impl WinogradFilters {
    /// Takes `weight` in the order output, input, row, column.
    ///
    /// Channels are padded with zeros to multiples of 16.
    pub fn new(weight: &[f32], outputs: usize, inputs: usize) -> Self {
        assert_eq!(weight.len(), outputs * inputs * 9, "filters of 3x3");
        let (rows, columns) = (padded(inputs), padded(outputs));
        let mut blocks = Buffer::new(9 * rows * columns);
        if (rows, columns) != (inputs, outputs) {
            blocks.fill(0.0);
        }
        for (k, filters) in weight.chunks(9 * inputs).enumerate() {
            for (c, filter) in filters.chunks(9).enumerate() {
                let block = (c / 16 * (columns / 16) + k / 16) * BLOCK;
                for (tap, &value) in filter.iter().enumerate() {
                    blocks[block + c % 16 * ROW + tap * 16 + k % 16] = value;
                }
            }
        }
        Self {
            inputs: rows,
            outputs: columns,
            blocks,
        }
    }

    /// Transforms filters: `out` gets 36 matrices, `stride` apart, of the given channels that go in
    /// by those that come out, in strips of [`STRIP`] of these. All ends of the ranges are multiples of 16.
    pub fn transform(
        &self,
        isa: Isa,
        direction: Direction,
        (into, from): (Range<usize>, Range<usize>),
        out: &mut [f32],
        stride: usize,
    ) {
        let block = |c: usize, k: usize| {
            let (input, output) = match direction {
                Direction::Forward => (c, k),
                Direction::Backward => (k, c),
            };
            let start = (input / 16 * (self.outputs / 16) + output / 16) * BLOCK;
            &self.blocks[start..start + BLOCK]
        };
        for c in into.clone().step_by(16) {
            for k in from.clone().step_by(16) {
                let next = if k + 16 < from.end {
                    block(c, k + 16)
                } else if c + 16 < into.end {
                    block(c + 16, from.start)
                } else {
                    &[]
                };
                isa.run(Transform {
                    block: block(c, k),
                    next,
                    direction,
                    out: &mut out[(k - from.start) * into.len() + (c - into.start) * STRIP..],
                    stride,
                });
            }
        }
    }
}

/// G g Gᵀ for a block of 16 x 16 filters (Lavin and Gray 2016, F(4x4, 3x3), points 0, 1, -1, 2, -2
/// and infinity).
struct Transform<'a> {
    block: &'a [f32],
    /// The block that comes next.
    next: &'a [f32],
    direction: Direction,
    out: &'a mut [f32],
    /// Distance between matrices.
    stride: usize,
}

impl Kernel for Transform<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut turned;
        let block = match self.direction {
            Direction::Forward => self.block,
            Direction::Backward => {
                turned = [0.0; BLOCK];
                for tap in 0..9 {
                    let from = &self.block[(8 - tap) * 16..];
                    transpose16(from, ROW, &mut turned[tap * 16..], ROW);
                }
                &turned
            }
        };
        for c in 0..16 {
            for line in 0..ROW / 16 {
                s.prefetch(self.next, c * ROW + line * 16);
            }
            for k in (0..16).step_by(S::LANES) {
                let at = c * ROW + k;
                let half = [
                    filter_1d(s, s.load_steps(block, at, 48)),
                    filter_1d(s, s.load_steps(block, at + 16, 48)),
                    filter_1d(s, s.load_steps(block, at + 32, 48)),
                ];
                six!(i => {
                    let row = filter_1d(s, [half[0][i], half[1][i], half[2][i]]);
                    let at = i * 6 * self.stride + c * STRIP + k;
                    s.store_steps(self.out, at, self.stride, row);
                });
            }
        }
    }
}

#[inline(always)]
fn filter_1d<S: Simd>(s: S, [a, b, c]: [S::V; 3]) -> [S::V; 6] {
    let (quarter, sixth, half) = (s.splat(0.25), s.splat(-1.0 / 6.0), s.splat(1.0 / 12.0));
    let near = s.mul(s.add(a, c), sixth);
    // (a + 4 c) / 24 and b / 12.
    let far = s.mul(s.mul_add(c, s.splat(4.0), a), s.splat(1.0 / 24.0));
    [
        s.mul(a, quarter),
        s.mul_add(b, sixth, near),
        s.sub(near, s.mul(b, sixth)),
        s.mul_add(b, half, far),
        s.sub(far, s.mul(b, half)),
        c,
    ]
}
