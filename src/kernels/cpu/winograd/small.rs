//! Small filters: a thread takes some tiles through all stages.

use rayon::prelude::*;

use super::super::buffer::Buffer;
use super::super::filters::{PANEL, POSITIONS};
use super::super::phase::{Phase, timed};
use super::{Destination, Fetch, Finish, Multiply, Pass, Rows, SKEW};

/// Floats of transformed input that a thread keeps in its cache.
const BLOCK_FLOATS: usize = 96 << 10;
/// Fewest and most tiles in a block: fewer would read filters too often.
const BLOCK_TILES: std::ops::RangeInclusive<usize> = 24..=96;

impl<F: Fetch, E: Finish> Pass<'_, F, E> {
    pub(super) fn small(&self, output: Destination) {
        let right = self.all_filters();
        let depth = self.fetch.channels();
        let block =
            (BLOCK_FLOATS / (POSITIONS * depth)).clamp(*BLOCK_TILES.start(), *BLOCK_TILES.end());
        let (across, down) = (self.grid.across(), self.grid.down());
        let rows = block.div_ceil(across);
        output
            .split(rows, down)
            .into_par_iter()
            .enumerate()
            .with_max_len(1)
            .for_each(|(i, mut output)| {
                let mut rows_of = output.rows(i * rows * 4);
                let (start, end) = (i * rows * across, ((i + 1) * rows).min(down) * across);
                let blocks = (end - start).div_ceil(block);
                let count = (end - start).div_ceil(blocks);
                for first in (start..end).step_by(count) {
                    self.block((first, count.min(end - first)), &right, &mut rows_of);
                }
            });
    }

    /// Takes some tiles through all stages.
    fn block(&self, (first, count): (usize, usize), right: &[f32], rows: &mut Rows) {
        let (depth, channels) = (self.fetch.channels(), self.finish.channels());
        let stride = count * depth + SKEW;
        let mut left = Buffer::new(POSITIONS * stride);
        self.transform_in((first, count), 0..depth, &mut left, stride);
        let products_stride = count * PANEL + SKEW;
        let mut products = Buffer::new(POSITIONS * products_stride);
        for (panel, right) in right.chunks(POSITIONS * depth * PANEL).enumerate() {
            let width = right.len() / (POSITIONS * depth);
            timed(Phase::Products, || {
                for (position, right) in right.chunks(depth * width).enumerate() {
                    self.isa.run(Multiply {
                        count,
                        depth,
                        width,
                        left: &left[position * stride..],
                        right,
                        out: &mut products[position * products_stride..],
                        add: false,
                    });
                }
            });
            let columns = (panel * PANEL, width.min(channels));
            self.transform_out((first, count), &products, products_stride, columns, rows);
        }
    }

    /// All filters: panels of output channels, in each 36 matrices.
    fn all_filters(&self) -> Buffer {
        let (depth, channels) = (self.fetch.channels(), self.finish.channels());
        let mut all = Buffer::new(POSITIONS * depth * channels);
        all.par_chunks_mut(POSITIONS * depth * PANEL)
            .enumerate()
            .with_max_len(1)
            .for_each(|(panel, out)| {
                let width = out.len() / (POSITIONS * depth);
                let columns = panel * PANEL..panel * PANEL + width;
                self.filters(0..depth, columns, out, depth * width);
            });
        all
    }
}
