//! Large filters: the threads share the output channels.

use rayon::prelude::*;

use super::super::buffer::Buffer;
use super::super::filters::{PANEL, POSITIONS};
use super::super::phase::{Phase, timed};
use super::{Destination, Fetch, Finish, Multiply, Pass, SKEW};

/// Tiles that share one transform of the filters. Their sums for a panel of output channels, and the
/// filters, stay in the second-level cache.
const SUPER_TILES: usize = 64;
/// Tiles in a group that one thread transforms.
const GROUP_TILES: usize = 24;
/// Input channels of filters that are transformed at a time, for a panel of output channels.
const DEPTH: usize = 64;

/// Distance between the matrices of a group of tiles.
const STRIDE: usize = GROUP_TILES * DEPTH + SKEW;

/// Transformed tiles: groups of tiles, in a group runs of [`DEPTH`] channels, in a run 36 matrices
/// of tiles by channels.
struct Tiles {
    floats: Buffer,
    count: usize,
    depth: usize,
}

impl Tiles {
    /// Room for `most` tiles of `depth` channels.
    fn new(most: usize, depth: usize) -> Self {
        let runs = most.div_ceil(GROUP_TILES) * depth.div_ceil(DEPTH);
        Self {
            floats: Buffer::new(runs * POSITIONS * STRIDE),
            count: most,
            depth,
        }
    }

    /// The tiles of a group at a position, in the run from channel `from` on.
    fn matrix(&self, group: usize, from: usize, position: usize) -> &[f32] {
        let run = group * self.depth.div_ceil(DEPTH) + from / DEPTH;
        &self.floats[(run * POSITIONS + position) * STRIDE..][..STRIDE]
    }
}

impl<F: Fetch, E: Finish> Pass<'_, F, E> {
    pub(super) fn large(&self, output: Destination) {
        let (depth, channels) = (self.fetch.channels(), self.finish.channels());
        let (across, down) = (self.grid.across(), self.grid.down());
        let rows = (SUPER_TILES / across).clamp(1, down.max(1));
        let most = rows * across;
        let mut tiles = Tiles::new(most, depth);
        let panels = channels.div_ceil(PANEL);
        let mut products = Buffer::new(panels * POSITIONS * (most * PANEL + SKEW));
        for (i, output) in output.split(rows, down).into_iter().enumerate() {
            let first = i * rows * across;
            tiles.count = rows.min(down - i * rows) * across;
            self.all_tiles(first, &mut tiles);
            products
                .par_chunks_mut(POSITIONS * (most * PANEL + SKEW))
                .enumerate()
                .with_max_len(1)
                .for_each(|(panel, out)| self.panel(panel, &tiles, out));
            output
                .split(1, tiles.count / across)
                .into_par_iter()
                .enumerate()
                .with_max_len(1)
                .for_each(|(r, mut output)| {
                    let mut rows_of = output.rows((i * rows + r) * 4);
                    let of_panels = products.chunks(POSITIONS * (most * PANEL + SKEW));
                    for (panel, products) in of_panels.enumerate() {
                        let width = PANEL.min(channels - panel * PANEL);
                        self.transform_out(
                            (first + r * across, across),
                            &products[r * across * width..],
                            tiles.count * width + SKEW,
                            (panel * PANEL, width),
                            &mut rows_of,
                        );
                    }
                });
        }
    }

    /// Transforms the tiles from number `first` on.
    fn all_tiles(&self, first: usize, tiles: &mut Tiles) {
        let (count, depth) = (tiles.count, tiles.depth);
        let runs = depth.div_ceil(DEPTH);
        tiles
            .floats
            .par_chunks_mut(POSITIONS * STRIDE)
            .enumerate()
            .with_max_len(1)
            .for_each(|(item, out)| {
                let (from, channel) = (item / runs * GROUP_TILES, item % runs * DEPTH);
                if from < count {
                    let here = (first + from, GROUP_TILES.min(count - from));
                    let channels = channel..(channel + DEPTH).min(depth);
                    self.transform_in(here, channels, out, STRIDE);
                }
            });
    }

    /// The products of all tiles with a panel of output channels: 36 matrices of tiles by
    /// channels.
    fn panel(&self, panel: usize, tiles: &Tiles, out: &mut [f32]) {
        let channels = self.finish.channels();
        let columns = panel * PANEL..((panel + 1) * PANEL).min(channels);
        let width = columns.len();
        let mut right = Buffer::new(POSITIONS * (DEPTH * PANEL + SKEW));
        for from in (0..tiles.depth).step_by(DEPTH) {
            let depth = DEPTH.min(tiles.depth - from);
            let stride = depth * width + SKEW;
            self.filters(from..from + depth, columns.clone(), &mut right, stride);
            timed(Phase::Products, || {
                for position in 0..POSITIONS {
                    let out = &mut out[position * (tiles.count * width + SKEW)..];
                    for group in 0..tiles.count.div_ceil(GROUP_TILES) {
                        let first = group * GROUP_TILES;
                        self.isa.run(Multiply {
                            count: GROUP_TILES.min(tiles.count - first),
                            depth,
                            width,
                            left: tiles.matrix(group, from, position),
                            right: &right[position * stride..],
                            out: &mut out[first * width..],
                            add: from > 0,
                        });
                    }
                }
            });
        }
    }
}
