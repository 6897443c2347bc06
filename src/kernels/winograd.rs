//! 3x3 convolutions by Winograd's algorithm F(4x4, 3x3): tiles are transformed, multiplied with
//! the transformed filters at 36 positions, and transformed back.
//!
//! Two ways to share the work. Where the filters are small, a thread takes some tiles through all
//! three stages, so that everything between stays in its cache. Where they are large (512
//! channels: 38 MB), they are read once for many tiles, and the threads share the positions.

use rayon::prelude::*;

use super::buffer::Buffer;
use super::filters::{Filters, PANEL, POSITIONS};
use super::phase::{self, Phase, timed};
use super::simd::{Isa, Kernel, Left, Product, Simd};
use super::tiles::{Fetch, Finish, Grid, Rows, TransformIn, TransformOut};

/// Filters of up to this many channels, in and out, are small.
const SMALL: usize = 256;
/// Floats of transformed input that a thread keeps in its cache.
const BLOCK_FLOATS: usize = 160 << 10;
/// Fewest and most tiles in a block: fewer would read filters too often.
const BLOCK_TILES: std::ops::RangeInclusive<usize> = 24..=96;
/// Tiles that share one reading of large filters.
const SUPER_TILES: usize = 256;
/// Tiles in a group of those.
const GROUP_TILES: usize = 24;
/// Keeps the 36 matrices from falling on the same cache sets.
const SKEW: usize = 16;

/// Filters in the direction of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From inputs to outputs.
    Forward,
    /// From outputs to inputs.
    Backward,
}

/// A convolution to run.
pub struct Convolution<'a, F, E> {
    pub isa: Isa,
    pub filters: &'a Filters,
    pub direction: Direction,
    pub grid: Grid,
    pub fetch: &'a F,
    pub finish: &'a E,
}

impl<F: Fetch, E: Finish> Convolution<'_, F, E> {
    /// Runs it; `out_row` is the number of floats that a row of tiles fills in `out`.
    pub fn run(&self, out: &mut [f32], out_row: usize, bits: &mut [u16]) {
        let tiles = self.grid.down() * self.grid.across();
        let depth = self.fetch.channels();
        phase::count(
            Phase::Products,
            2 * POSITIONS * tiles * depth * self.finish.channels(),
        );
        let bits_row = if bits.is_empty() {
            0
        } else {
            4 * self.grid.width * self.finish.channels() / 16
        };
        if depth.max(self.finish.channels()) <= SMALL {
            self.small(out, out_row, bits, bits_row);
        } else {
            self.large(out, out_row, bits, bits_row);
        }
    }

    fn small(&self, out: &mut [f32], out_row: usize, bits: &mut [u16], bits_row: usize) {
        let depth = self.fetch.channels();
        let block =
            (BLOCK_FLOATS / (POSITIONS * depth)).clamp(*BLOCK_TILES.start(), *BLOCK_TILES.end());
        let across = self.grid.across();
        let rows = block.div_ceil(across);
        let transposed = (self.direction == Direction::Backward).then(|| self.transposed());
        let right = |panel: usize, position: usize| match &transposed {
            None => self.filters.forward(panel, position),
            Some(all) => {
                let width = Filters::width(self.finish.channels(), panel);
                let start = (panel * POSITIONS * PANEL + position * width) * depth;
                &all[start..start + depth * width]
            }
        };
        let items = split(
            out,
            out_row * rows,
            bits,
            bits_row * rows,
            self.grid.down().div_ceil(rows),
        );
        items
            .into_par_iter()
            .enumerate()
            .with_max_len(1)
            .for_each(|(i, (out, bits))| {
                let mut rows_of = Rows {
                    out,
                    bits,
                    first: i * rows * 4,
                };
                let end = ((i + 1) * rows).min(self.grid.down()) * across;
                let blocks = (end - i * rows * across).div_ceil(block);
                let count = (end - i * rows * across).div_ceil(blocks);
                for first in (i * rows * across..end).step_by(count) {
                    self.block(first, count.min(end - first), &right, &mut rows_of);
                }
            });
    }

    /// Takes some tiles through all stages.
    fn block<'r>(
        &self,
        first: usize,
        count: usize,
        right: &impl Fn(usize, usize) -> &'r [f32],
        rows: &mut Rows,
    ) {
        let (depth, channels) = (self.fetch.channels(), self.finish.channels());
        let stride = count * depth + SKEW;
        let mut left = Buffer::new(POSITIONS * stride);
        self.transform_in(first, count, &mut left, stride);
        let products_stride = count * PANEL + SKEW;
        let mut products = Buffer::new(POSITIONS * products_stride);
        for panel in 0..channels.div_ceil(PANEL) {
            let width = Filters::width(channels, panel);
            timed(Phase::Products, || {
                for position in 0..POSITIONS {
                    self.isa.run(Multiply {
                        count,
                        depth,
                        width,
                        left: &left[position * stride..],
                        right: right(panel, position),
                        out: &mut products[position * products_stride..],
                    });
                }
            });
            self.transform_out(first, count, &products, products_stride, panel, rows);
        }
    }

    fn large(&self, out: &mut [f32], out_row: usize, bits: &mut [u16], bits_row: usize) {
        let (depth, channels) = (self.fetch.channels(), self.finish.channels());
        let across = self.grid.across();
        let rows = (SUPER_TILES / across).max(1);
        let items = split(
            out,
            out_row * rows,
            bits,
            bits_row * rows,
            self.grid.down().div_ceil(rows),
        );
        let most = rows.min(self.grid.down()) * across;
        let group_floats = POSITIONS * (GROUP_TILES * depth + SKEW);
        let mut left = Buffer::new(most.div_ceil(GROUP_TILES) * group_floats);
        let position_floats = most * channels + SKEW;
        let mut products = Buffer::new(POSITIONS * position_floats);
        for (i, (out, bits)) in items.into_iter().enumerate() {
            let first = i * rows * across;
            let here = rows.min(self.grid.down() - i * rows);
            let count = here * across;
            left.par_chunks_mut(group_floats)
                .enumerate()
                .with_max_len(1)
                .for_each(|(g, group)| {
                    let from = g * GROUP_TILES;
                    if from < count {
                        let tiles = GROUP_TILES.min(count - from);
                        self.transform_in(first + from, tiles, group, group_floats / POSITIONS);
                    }
                });
            products
                .par_chunks_mut(position_floats)
                .enumerate()
                .with_max_len(1)
                .for_each(|(position, out)| {
                    self.multiply_all(position, count, &left, group_floats, out);
                });
            let rows_of = split(out, out_row, bits, bits_row, here);
            rows_of
                .into_par_iter()
                .enumerate()
                .with_max_len(1)
                .for_each(|(r, (out, bits))| {
                    let mut rows_of = Rows {
                        out,
                        bits,
                        first: (i * rows + r) * 4,
                    };
                    for panel in 0..channels.div_ceil(PANEL) {
                        let width = Filters::width(channels, panel);
                        let from = panel * PANEL * count + r * across * width;
                        let products = &products[from..];
                        let tiles = (first + r * across, across);
                        self.transform_out(
                            tiles.0,
                            tiles.1,
                            products,
                            position_floats,
                            panel,
                            &mut rows_of,
                        );
                    }
                });
        }
    }

    /// The products of all tiles and panels at one position.
    fn multiply_all(
        &self,
        position: usize,
        count: usize,
        left: &[f32],
        group_floats: usize,
        out: &mut [f32],
    ) {
        let (depth, channels) = (self.fetch.channels(), self.finish.channels());
        timed(Phase::Products, || {
            let mut transposed = Buffer::new(match self.direction {
                Direction::Forward => 0,
                Direction::Backward => depth * PANEL,
            });
            for panel in 0..channels.div_ceil(PANEL) {
                let width = Filters::width(channels, panel);
                let right = match self.direction {
                    Direction::Forward => self.filters.forward(panel, position),
                    Direction::Backward => {
                        self.filters.transpose(panel, position, &mut transposed);
                        &transposed
                    }
                };
                let out = &mut out[panel * PANEL * count..];
                for from in (0..count).step_by(GROUP_TILES) {
                    let group = &left[from / GROUP_TILES * group_floats..];
                    self.isa.run(Multiply {
                        count: GROUP_TILES.min(count - from),
                        depth,
                        width,
                        left: &group[position * (group_floats / POSITIONS)..],
                        right,
                        out: &mut out[from * width..],
                    });
                }
            }
        });
    }

    fn transform_in(&self, first: usize, count: usize, out: &mut [f32], stride: usize) {
        let (fetch, grid) = (self.fetch, self.grid);
        timed(Phase::TransformIn, || {
            self.isa.run(TransformIn {
                fetch,
                grid,
                first,
                count,
                out,
                stride,
            });
        });
    }

    fn transform_out(
        &self,
        first: usize,
        count: usize,
        products: &[f32],
        stride: usize,
        panel: usize,
        rows: &mut Rows,
    ) {
        let (finish, grid, channel) = (self.finish, self.grid, panel * PANEL);
        let width = Filters::width(finish.channels(), panel);
        timed(Phase::TransformOut, || {
            self.isa.run(TransformOut {
                finish,
                grid,
                first,
                count,
                products,
                stride,
                width,
                channel,
                rows,
            });
        });
    }

    /// All filters transposed, in the order of [`Filters`].
    fn transposed(&self) -> Buffer {
        let (depth, channels) = (self.fetch.channels(), self.finish.channels());
        let mut all = Buffer::new(POSITIONS * depth * channels);
        all.par_chunks_mut(POSITIONS * depth * PANEL)
            .enumerate()
            .for_each(|(panel, out)| {
                let matrix = out.len() / POSITIONS;
                out.par_chunks_mut(matrix)
                    .enumerate()
                    .for_each(|(position, out)| {
                        timed(Phase::Products, || {
                            self.filters.transpose(panel, position, out);
                        });
                    });
            });
        all
    }
}

/// The product of some tiles with a panel of filters at one position.
struct Multiply<'a> {
    count: usize,
    depth: usize,
    width: usize,
    left: &'a [f32],
    right: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Multiply<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        Product {
            rows: self.count,
            depth: self.depth,
            width: self.width,
            left: Left {
                data: self.left,
                row: self.depth,
                step: 1,
            },
            right: self.right,
            right_row: self.width,
            out: self.out,
            out_row: self.width,
            add: false,
            lower: false,
        }
        .run(s);
    }
}

/// Cuts an output map and its bits into `count` runs of rows; the last may be shorter, or empty.
fn split<'a>(
    mut out: &'a mut [f32],
    out_len: usize,
    mut bits: &'a mut [u16],
    bits_len: usize,
    count: usize,
) -> Vec<(&'a mut [f32], &'a mut [u16])> {
    (0..count)
        .map(|_| {
            let here = out_len.min(out.len());
            let bits_here = bits_len.min(bits.len());
            (
                out.split_off_mut(..here).expect("within the length"),
                bits.split_off_mut(..bits_here).expect("within the length"),
            )
        })
        .collect()
}
