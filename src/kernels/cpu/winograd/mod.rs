//! 3x3 convolutions by Winograd's algorithm F(4x4, 3x3): tiles are transformed, multiplied with
//! the transformed filters at 36 positions, and transformed back.
//!
//! Two ways to share the work. Where the filters are small, a thread takes some tiles through all
//! three stages, so that everything between stays in its cache. Where they are large, the threads
//! share the output channels: each transforms a part of the filters, small enough for its cache,
//! and multiplies many tiles with it.

mod fetch;
mod finish;
mod grid;
mod input;
mod large;
mod output;
mod small;

use super::filters::{Direction, POSITIONS, WinogradFilters};
use super::phase::{self, Phase, timed};
use super::simd::{Isa, Kernel, Left, Product, STRIP, Simd};

pub use fetch::{Activation, Fetch, Gated, Unpooled};
pub use finish::{Finish, Gradient, Relu, ReluPool, pool};
pub use grid::{Destination, Grid};

use grid::Rows;
use input::TransformIn;
use output::TransformOut;

/// Filters of up to this many channels, in and out, are small.
const SMALL: usize = 256;
/// Keeps the 36 matrices from falling on the same cache sets.
const SKEW: usize = 16;

/// A convolution to run.
pub struct Pass<'a, F, E> {
    pub isa: Isa,
    pub filters: &'a WinogradFilters,
    pub direction: Direction,
    pub grid: Grid,
    pub fetch: &'a F,
    pub finish: &'a E,
}

impl<F: Fetch, E: Finish> Pass<'_, F, E> {
    /// Runs it.
    pub fn run(&self, output: Destination) {
        let tiles = self.grid.down() * self.grid.across();
        let (depth, channels) = (self.fetch.channels(), self.finish.channels());
        phase::count(Phase::Products, 2 * POSITIONS * tiles * depth * channels);
        if depth.max(channels) <= SMALL {
            self.small(output);
        } else {
            self.large(output);
        }
    }

    /// The transformed filters of some channels.
    fn filters(
        &self,
        into: std::ops::Range<usize>,
        from: std::ops::Range<usize>,
        out: &mut [f32],
        stride: usize,
    ) {
        timed(Phase::WinogradFilters, || {
            self.filters
                .transform(self.isa, self.direction, (into, from), out, stride);
        });
    }

    fn transform_in(
        &self,
        (first, count): (usize, usize),
        channels: std::ops::Range<usize>,
        out: &mut [f32],
        stride: usize,
    ) {
        let (fetch, grid) = (self.fetch, self.grid);
        timed(Phase::TransformIn, || {
            self.isa.run(TransformIn {
                fetch,
                grid,
                first,
                count,
                channels,
                out,
                stride,
            });
        });
    }

    fn transform_out(
        &self,
        (first, count): (usize, usize),
        products: &[f32],
        stride: usize,
        (channel, width): (usize, usize),
        rows: &mut Rows,
    ) {
        let (finish, grid) = (self.finish, self.grid);
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
}

/// The product of some tiles with some filters at one position.
struct Multiply<'a> {
    count: usize,
    depth: usize,
    width: usize,
    left: &'a [f32],
    right: &'a [f32],
    out: &'a mut [f32],
    /// Adds to what `out` holds.
    add: bool,
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
            right_row: STRIP,
            right_strip: self.depth * STRIP,
            out: self.out,
            out_row: self.width,
            add: self.add,
        }
        .run(s);
    }
}
