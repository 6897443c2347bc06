//! Gram matrices: products of a map with itself over all pixels, in parts that are added in a
//! fixed order.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

use super::Quad;

/// Channels of a side of the square that a workgroup computes.
const SIDE: usize = 64;
/// Pixels that are fetched at once.
const DEPTH: usize = 16;
/// Units of a workgroup.
pub const UNITS: usize = 64;

/// How the pixels are shared out: enough workgroups for a large card, not too many sums to add up.
pub struct Shares {
    /// Shares.
    pub count: usize,
    /// Pixels of a share.
    pub pixels: usize,
    /// Squares on or above the diagonal.
    pub pairs: usize,
}

impl Shares {
    pub fn of(channels: usize, pixels: usize) -> Self {
        let squares = channels.div_ceil(SIDE);
        let pairs = squares * (squares + 1) / 2;
        let wanted = 512_usize
            .div_ceil(pairs)
            .min(pixels.div_ceil(4 * DEPTH))
            .max(1);
        let share = pixels.div_ceil(wanted).next_multiple_of(DEPTH);
        Self {
            count: pixels.div_ceil(share),
            pixels: share,
            pairs,
        }
    }

    /// Numbers of all partial sums.
    pub fn numbers(&self) -> usize {
        self.count * self.pairs * SIDE * SIDE
    }
}

/// One square of the Gram matrix over one share of the pixels. Workgroups: shares, pairs of squares
/// on or above the diagonal.
#[cube(launch_unchecked)]
pub fn shares(map: &[Quad], out: &mut [Quad], pixels: u32, channels: u32, share: u32) {
    let mut rows = Shared::<[Quad]>::new_slice(comptime!(DEPTH * SIDE / 4));
    let mut columns = Shared::<[Quad]>::new_slice(comptime!(DEPTH * SIDE / 4));
    let quads = channels.div_ceil(4);
    let squares = channels.div_ceil(comptime!(SIDE as u32));
    // The pair's row and column of squares.
    let mut row = 0u32;
    let mut left = CUBE_POS_Y;
    while left >= squares - row {
        left -= squares - row;
        row += 1;
    }
    let column = row + left;
    let (ty, tx) = (UNIT_POS / 8, UNIT_POS % 8);
    let mut sums = Array::<Quad>::new(16usize);
    #[unroll]
    for i in 0..16usize {
        sums[i] = Quad::new(0.0);
    }
    let first = CUBE_POS_X * share;
    let last = min(first + share, pixels);
    let wide = comptime!((SIDE / 4) as u32);
    let mut start = first;
    while start < last {
        sync_cube();
        #[unroll]
        for turn in 0..comptime!(DEPTH * SIDE / 4 / 64) {
            let item = UNIT_POS + comptime!((turn * 64) as u32);
            let pixel = start + item / wide;
            let (a, b) = (row * wide + item % wide, column * wide + item % wide);
            let (mut va, mut vb) = (Quad::new(0.0), Quad::new(0.0));
            if pixel < last && a < quads {
                va = map[(pixel * quads + a) as usize];
            }
            if pixel < last && b < quads {
                vb = map[(pixel * quads + b) as usize];
            }
            rows[item as usize] = va;
            columns[item as usize] = vb;
        }
        sync_cube();
        for k in 0..comptime!(DEPTH as u32) {
            let at = k * wide;
            #[unroll]
            for i in 0..2usize {
                let a = rows[(at + ty + comptime!(8 * i as u32)) as usize];
                #[unroll]
                for j in 0..2usize {
                    let b = columns[(at + tx + comptime!(8 * j as u32)) as usize];
                    #[unroll]
                    for c in 0..4usize {
                        let s = comptime!((i * 4 + c) * 2 + j);
                        sums[s] = fma(Quad::new(a.extract(c)), b, sums[s]);
                    }
                }
            }
        }
        start += comptime!(DEPTH as u32);
    }
    let square = (CUBE_POS_X * CUBE_COUNT_Y + CUBE_POS_Y) * comptime!((SIDE * SIDE / 4) as u32);
    #[unroll]
    for i in 0..2usize {
        #[unroll]
        for c in 0..4usize {
            #[unroll]
            for j in 0..2usize {
                let y = (ty + comptime!(8 * i as u32)) * 4 + comptime!(c as u32);
                let x = tx + comptime!(8 * j as u32);
                out[(square + y * wide + x) as usize] = sums[comptime!((i * 4 + c) * 2 + j)];
            }
        }
    }
}

/// Adds the shares up, one unit for each number of the upper triangle of squares, and writes both halves.
#[cube(launch_unchecked)]
pub fn total(
    shares: &[f32],
    out: &mut [f32],
    count: u32,
    pairs: u32,
    channels: u32,
    positions: f32,
) {
    let side = comptime!(SIDE as u32);
    let squares = channels.div_ceil(side);
    let at = ABSOLUTE_POS as u32;
    let size = side * side;
    let pair = at / size;
    if pair < pairs {
        let mut row = 0u32;
        let mut left = pair;
        while left >= squares - row {
            left -= squares - row;
            row += 1;
        }
        let y = row * side + at % size / side;
        let x = (row + left) * side + at % side;
        let mut sum = 0.0f32;
        for share in 0..count {
            sum += shares[(share * pairs * size + at) as usize];
        }
        sum /= positions;
        if y < channels && x < channels {
            out[(y * channels + x) as usize] = sum;
            out[(x * channels + y) as usize] = sum;
        }
    }
}

/// What every pixel is multiplied by for the gradient: `(D + Dᵀ) / M`, its rows padded to quads.
#[cube(launch_unchecked)]
pub fn symmetric(gradient: &[f32], out: &mut [f32], channels: u32, positions: f32) {
    let wide = channels.div_ceil(4) * 4;
    let unit = ABSOLUTE_POS as u32;
    let (row, column) = (unit / wide, unit % wide);
    if row < channels {
        let mut value = 0.0f32;
        if column < channels {
            let there = gradient[(row * channels + column) as usize];
            let back = gradient[(column * channels + row) as usize];
            value = (there + back) / positions;
        }
        out[unit as usize] = value;
    }
}
