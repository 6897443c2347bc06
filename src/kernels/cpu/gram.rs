//! Gram matrices of channels-last maps: G = Fᵀ F / M, with pixels as rows of F and M of them, or of those
//! that the map is a part of.

use std::ops::Range;

use rayon::prelude::*;

use super::buffer::Buffer;
use super::filters::PANEL;
use super::phase::{self, Phase, timed};
use super::simd::{Isa, Kernel, Left, Product, STRIP, Simd};

/// Pixels whose products are added up before the sums go to memory.
const RUN: usize = 128;
/// Work items to aim at, whatever the number of threads: they fix the order of the sums.
const ITEMS: usize = 64;
/// Runs in a work item, or more: fewer would take more time to add up than they save.
const FEWEST: usize = 4;
/// Floats in the sums of a pair of blocks of channels.
const BLOCK: usize = PANEL * PANEL;
/// Blocks of channels in a side of a square, whose pairs a thread computes together: it reads a run of pixels once for
/// all of them.
const SIDE: usize = 4;
/// Pixels of the gradient in a work item.
const PIXELS: usize = 96;

/// The Gram matrix of `map`, of pixels by `channels` (a multiple of 16), over so many positions: `channels` x
/// `channels`.
pub fn matrix(isa: Isa, map: &[f32], channels: usize, positions: f32) -> Buffer {
    let pixels = map.len() / channels;
    let blocks = channels.div_ceil(PANEL);
    let side = blocks.min(SIDE);
    let sides = blocks.div_ceil(side);
    let squares: Vec<(usize, usize)> = (0..sides)
        .flat_map(|i| (0..=i).map(move |j| (i, j)))
        .collect();
    let part = pixels.div_ceil(ITEMS.div_ceil(squares.len()));
    let part = part.max(FEWEST * RUN).next_multiple_of(RUN);
    let parts = pixels.div_ceil(part).max(1);
    phase::count(Phase::Gram, pixels * channels * (channels + 1));
    let of_item = side * side * BLOCK;
    let mut sums = Buffer::new(squares.len() * parts * of_item);
    sums.par_chunks_mut(of_item)
        .enumerate()
        .with_max_len(1)
        .for_each(|(item, out)| {
            let (i, j) = squares[item / parts];
            let from = item % parts * part;
            let square = Square {
                map: &map[from * channels..(from + part).min(pixels) * channels],
                channels,
                rows: i * side..((i + 1) * side).min(blocks),
                columns: j * side..((j + 1) * side).min(blocks),
            };
            timed(Phase::Gram, || square.sum(isa, side, out));
        });
    add_up(&mut sums, parts * of_item, of_item);
    let mut result = Buffer::new(channels * channels);
    let share = 1.0 / positions;
    result
        .par_chunks_mut(PANEL * channels)
        .enumerate()
        .for_each(|(i, rows)| {
            for j in 0..blocks {
                let (low, high) = (i.min(j), i.max(j));
                let (of_low, of_high) = (low / side, high / side);
                let square = of_high * (of_high + 1) / 2 + of_low;
                let pair = high % side * side + low % side;
                let at = square * parts * of_item + pair * BLOCK;
                place(&sums[at..at + BLOCK], share, (i, j), rows, channels);
            }
        });
    result
}

/// Adds the parts of every square, in order, to the first of them.
fn add_up(sums: &mut [f32], of_square: usize, of_item: usize) {
    sums.par_chunks_mut(of_square).for_each(|parts| {
        let (total, others) = parts.split_at_mut(of_item);
        let pairs = total.par_chunks_mut(BLOCK).enumerate();
        pairs.for_each(|(pair, total)| {
            for part in others.chunks(of_item) {
                let part = &part[pair * BLOCK..][..BLOCK];
                total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
            }
        });
    });
}

/// Writes block `(i, j)` of the matrix to its rows; only the lower triangle of `sums` counts.
fn place(sums: &[f32], share: f32, (i, j): (usize, usize), rows: &mut [f32], channels: usize) {
    let width = (channels - j * PANEL).min(PANEL);
    for (row, out) in rows.chunks_mut(channels).enumerate() {
        for (column, out) in out[j * PANEL..][..width].iter_mut().enumerate() {
            let lower = i > j || (i == j && column <= row);
            let at = if lower {
                row * PANEL + column
            } else {
                column * PANEL + row
            };
            *out = sums[at] * share;
        }
    }
}

/// Some pixels, and the blocks of channels whose products with each other are summed.
struct Square<'a> {
    map: &'a [f32],
    channels: usize,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Square<'_> {
    /// Writes the sums of all pairs whose row is not before their column: `side` of them for a row.
    fn sum(&self, isa: Isa, side: usize, out: &mut [f32]) {
        let Self { map, channels, .. } = *self;
        if map.is_empty() {
            return out.fill(0.0);
        }
        let sides = [&self.columns, &self.rows];
        // A square on the diagonal has one side.
        let sides = &sides[..=usize::from(self.rows != self.columns)];
        let room = || Buffer::new(side * RUN * PANEL);
        let mut strips: Vec<Buffer> = sides.iter().map(|_| room()).collect();
        for (r, run) in map.chunks(RUN * channels).enumerate() {
            for (blocks, strips) in sides.iter().zip(&mut strips) {
                gather(run, channels, blocks, strips);
            }
            let (right, left) = (&strips[0], &strips[sides.len() - 1]);
            for i in self.rows.clone() {
                for j in self.columns.start..=i.min(self.columns.end - 1) {
                    let (row, column) = (i % side, j % side);
                    let width = |block: usize| (channels - block * PANEL).min(PANEL);
                    isa.run(Pair {
                        depth: run.len() / channels,
                        rows: width(i),
                        width: width(j),
                        left: &left[row * RUN * PANEL..],
                        right: &right[column * RUN * PANEL..],
                        lower: i == j,
                        add: r > 0,
                        out: &mut out[(row * side + column) * BLOCK..][..BLOCK],
                    });
                }
            }
        }
    }
}

/// Copies blocks of channels of some pixels together, in strips of [`STRIP`] channels of [`RUN`] pixels: where they lie
/// in the map, their lines fall on few sets of the cache.
fn gather(run: &[f32], channels: usize, blocks: &Range<usize>, out: &mut [f32]) {
    let columns = blocks.start * PANEL..(blocks.end * PANEL).min(channels);
    for (pixel, from) in run.chunks(channels).enumerate() {
        for (strip, from) in from[columns.clone()].chunks_exact(STRIP).enumerate() {
            out[(strip * RUN + pixel) * STRIP..][..STRIP].copy_from_slice(from);
        }
    }
}

struct Pair<'a> {
    depth: usize,
    rows: usize,
    width: usize,
    left: &'a [f32],
    right: &'a [f32],
    /// Whether only columns up to a row's number are needed.
    lower: bool,
    /// Adds to what `out` holds.
    add: bool,
    out: &'a mut [f32],
}

impl Kernel for Pair<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for row in (0..self.rows).step_by(STRIP) {
            Product {
                rows: STRIP,
                depth: self.depth,
                width: if self.lower { row + STRIP } else { self.width },
                left: Left {
                    data: &self.left[row * RUN..],
                    row: 1,
                    step: STRIP,
                },
                right: self.right,
                right_row: STRIP,
                right_strip: RUN * STRIP,
                out: &mut self.out[row * PANEL..],
                out_row: PANEL,
                add: self.add,
            }
            .run(s);
        }
    }
}

/// The gradient of a Gram matrix's map: F (S + Sᵀ) / M, where S is the gradient of the matrix.
///
/// Writes to `out`, or adds to it.
pub fn matrix_backward(
    isa: Isa,
    map: &[f32],
    channels: usize,
    positions: f32,
    s: &[f32],
    out: &mut [f32],
    add: bool,
) {
    assert_eq!(map.len(), out.len(), "gradient of the map");
    let pixels = map.len() / channels;
    phase::count(Phase::Gram, 2 * pixels * channels * channels);
    let right = right(s, channels, positions);
    let rows = PIXELS * channels;
    out.par_chunks_mut(rows)
        .zip(map.par_chunks(rows))
        .with_max_len(4)
        .for_each(|(out, map)| {
            timed(Phase::Gram, || {
                isa.run(Back {
                    map,
                    right: &right,
                    channels,
                    out,
                    add,
                });
            });
        });
}

/// What [`Back`] multiplies a map by, for the gradient S of its Gram matrix: strips of columns.
pub fn right(s: &[f32], channels: usize, positions: f32) -> Buffer {
    let mut right = Buffer::new(channels * channels);
    let strips = right.par_chunks_mut(channels * STRIP).enumerate();
    strips.for_each(|(strip, out)| symmetric(s, channels, strip * STRIP, 1.0 / positions, out));
    right
}

/// (S + Sᵀ) times `share`, in all rows of the strip of columns from `first` on.
fn symmetric(s: &[f32], channels: usize, first: usize, share: f32, out: &mut [f32]) {
    // By blocks, so that lines that are read across stay in the cache.
    for (block, out) in out.chunks_mut(16 * STRIP).enumerate() {
        for j in 0..STRIP {
            let column = first + j;
            let across = &s[column * channels + block * 16..];
            for (i, out) in out.chunks_mut(STRIP).enumerate() {
                let along = s[(block * 16 + i) * channels + column];
                out[j] = (along + across[i]) * share;
            }
        }
    }
}

/// The gradient of some pixels of the map of a Gram matrix.
pub struct Back<'a> {
    pub map: &'a [f32],
    /// See [`right`].
    pub right: &'a [f32],
    pub channels: usize,
    pub out: &'a mut [f32],
    /// Whether it is added to what is there.
    pub add: bool,
}

impl Kernel for Back<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for panel in (0..self.channels).step_by(PANEL) {
            let width = (self.channels - panel).min(PANEL);
            Product {
                rows: self.map.len() / self.channels,
                depth: self.channels,
                width,
                left: Left {
                    data: self.map,
                    row: self.channels,
                    step: 1,
                },
                right: &self.right[panel * self.channels..],
                right_row: STRIP,
                right_strip: self.channels * STRIP,
                out: &mut self.out[panel..],
                out_row: self.channels,
                add: self.add,
            }
            .run(s);
        }
    }
}
