//! Gram matrices of channels-last maps: G = Fᵀ F / M, with pixels as rows of F and M of them, or of those
//! that the map is a part of.

use rayon::prelude::*;

use super::buffer::Buffer;
use super::filters::{PANEL, padded};
use super::phase::{self, Phase, timed};
use super::simd::{Isa, Kernel, Left, Product, STRIP, Simd};

/// Pixels whose products are added up before the sums go to memory.
const RUN: usize = 128;
/// Work items to aim at, whatever the number of threads: they fix the order of the sums.
const ITEMS: usize = 64;
/// Floats in the sums of a pair of blocks of channels.
const BLOCK: usize = PANEL * PANEL;
/// Blocks of channels up to which a thread computes all pairs of them.
const TOGETHER: usize = 2;
/// Rows of the matrix that are computed at a time.
const ROWS: usize = 12;
/// Pixels of the gradient in a work item.
const PIXELS: usize = 96;
/// From this many channels on, columns are gathered before use: their lines would fall on few
/// sets of the cache.
const GATHER: usize = 192;

/// The Gram matrix of `map`, of pixels by `channels` (a multiple of 16), over so many positions: `channels` x
/// `channels`.
pub fn matrix(isa: Isa, map: &[f32], channels: usize, positions: f32) -> Buffer {
    let pixels = map.len() / channels;
    let blocks = channels.div_ceil(PANEL);
    let pairs: Vec<(usize, usize)> = (0..blocks)
        .flat_map(|i| (0..=i).map(move |j| (i, j)))
        .collect();
    // A thread that has a run of pixels in its cache computes all blocks where they are few.
    let together = if blocks <= TOGETHER { pairs.len() } else { 1 };
    let sets = pairs.len() / together;
    let part = pixels.div_ceil(ITEMS.div_ceil(sets)).next_multiple_of(RUN);
    let parts = pixels.div_ceil(part).max(1);
    phase::count(Phase::Gram, pixels * channels * (channels + 1));
    let of_item = together * BLOCK;
    let mut sums = Buffer::new(sets * parts * of_item);
    sums.par_chunks_mut(of_item)
        .enumerate()
        .with_max_len(1)
        .for_each(|(item, out)| {
            let (set, from) = (item / parts, item % parts * part);
            let pairs = &pairs[set * together..][..together];
            let map = &map[from * channels..(from + part).min(pixels) * channels];
            timed(Phase::Gram, || sum_products(isa, map, channels, pairs, out));
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
                let pair = high * (high + 1) / 2 + low;
                let at = pair / together * parts * of_item + pair % together * BLOCK;
                place(&sums[at..at + BLOCK], share, (i, j), rows, channels);
            }
        });
    result
}

/// Adds the parts of every set of blocks, in order, to the first of them.
fn add_up(sums: &mut [f32], of_set: usize, of_item: usize) {
    sums.par_chunks_mut(of_set).for_each(|parts| {
        let (total, others) = parts.split_at_mut(of_item);
        for part in others.chunks(of_item) {
            total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        }
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

/// Sums of products of pairs of blocks of channels.
fn sum_products(isa: Isa, map: &[f32], channels: usize, pairs: &[(usize, usize)], out: &mut [f32]) {
    out.fill(0.0);
    let width = |block: usize| (channels - block * PANEL).min(PANEL);
    let (mut left, mut right) = (Buffer::new(RUN * PANEL), Buffer::new(RUN * PANEL));
    for (r, run) in map.chunks(RUN * channels).enumerate() {
        for (&(i, j), out) in pairs.iter().zip(out.chunks_mut(BLOCK)) {
            let gathered = channels >= GATHER;
            if gathered {
                gather(run, channels, j, &mut right);
                if i != j {
                    gather(run, channels, i, &mut left);
                }
            }
            // The first pair of blocks announces the run that comes next.
            let first = !gathered && (i, j) == pairs[0];
            isa.run(Pair {
                depth: run.len() / channels,
                rows: width(i),
                width: width(j),
                left: if !gathered {
                    &run[i * PANEL..]
                } else if i == j {
                    &right
                } else {
                    &left
                },
                right: if gathered { &right } else { &run[j * PANEL..] },
                step: if gathered { PANEL } else { channels },
                lower: i == j,
                next: if first {
                    &map[((r + 1) * RUN * channels).min(map.len())..]
                } else {
                    &[]
                },
                out,
            });
        }
    }
}

/// Copies a block of channels of some pixels together.
fn gather(run: &[f32], channels: usize, block: usize, out: &mut [f32]) {
    let width = (channels - block * PANEL).min(PANEL);
    for (pixel, out) in run.chunks(channels).zip(out.chunks_mut(PANEL)) {
        out[..width].copy_from_slice(&pixel[block * PANEL..][..width]);
    }
}

struct Pair<'a> {
    depth: usize,
    rows: usize,
    width: usize,
    left: &'a [f32],
    right: &'a [f32],
    step: usize,
    /// Whether only columns up to a row's number are needed.
    lower: bool,
    /// What is read next; empty where that is near already.
    next: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Pair<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let next = &self.next[..self.next.len().min(RUN * self.step)];
        let lines = next.len().div_ceil(16 * self.rows.div_ceil(ROWS));
        for (chunk, row) in (0..self.rows).step_by(ROWS).enumerate() {
            for line in 0..lines {
                s.prefetch(next, (chunk * lines + line) * 16);
            }
            let rows = ROWS.min(self.rows - row);
            let width = if self.lower {
                padded(row + rows)
            } else {
                self.width
            };
            Product {
                rows,
                depth: self.depth,
                width,
                left: Left {
                    data: &self.left[row..],
                    row: 1,
                    step: self.step,
                },
                right: self.right,
                right_row: self.step,
                right_strip: STRIP,
                out: &mut self.out[row * PANEL..],
                out_row: PANEL,
                add: true,
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
