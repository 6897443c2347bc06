//! Pools, and the bits that tell which activations a gradient passes.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

use super::super::cpu::layer::Pool;
use super::Quad;
use super::fetch::{passed, word};
use super::tile::{Sizes, Spot, alone};

/// Writes a quad of the output's channels, unless it is beyond a map of this size.
#[cube]
pub fn write(out: &mut [Quad], sizes: &Sizes, y: u32, x: u32, quad: u32, value: Quad) {
    let quads = sizes.outputs.div_ceil(4);
    if y < sizes.height && x < sizes.width && quad < quads {
        out[((y * sizes.width + x) * quads + quad) as usize] = value;
    }
}

/// Pools and writes a block of activations, and their bits.
#[cube]
pub fn finish(
    block: &Array<Quad>,
    out: &mut [Quad],
    bits: &mut [u32],
    sizes: &Sizes,
    spot: &Spot,
    #[comptime] pool: Pool,
) {
    let mut words = Array::<u32>::new(2usize);
    words[0usize] = 0u32;
    words[1usize] = 0u32;
    if comptime!(pool == Pool::None) {
        #[unroll]
        for half in 0..2usize {
            #[unroll]
            for pixel in 0..8usize {
                let value = block[comptime!(2 * pixel + half)];
                let (row, column) = comptime!((pixel / 4, pixel % 4));
                words[row] |= open(value, comptime!(column * 8 + half * 4));
                let y = spot.y + comptime!(row as u32);
                let x = spot.x + comptime!(column as u32);
                let quad = spot.channels * 2 + comptime!(half as u32);
                write(out, sizes, y, x, quad, value);
            }
        }
    } else {
        #[unroll]
        for half in 0..2usize {
            #[unroll]
            for window in 0..2usize {
                let first = comptime!(4 * window + half);
                let (a, b) = (block[first], block[comptime!(first + 2)]);
                let (c, d) = (block[comptime!(first + 8)], block[comptime!(first + 10)]);
                let (left, right) =
                    comptime!((2 * window * 8 + half * 4, (2 * window + 1) * 8 + half * 4));
                let mut value = max(max(a, b), max(c, d));
                if comptime!(pool == Pool::Max) {
                    // The first of equals alone, and none where all are closed.
                    let ab = max(a, b);
                    let abc = max(ab, c);
                    words[0usize] |= open(value, left) & reaches(a, value, left);
                    words[0usize] |=
                        open(value, right) & reaches(b, value, right) & !reaches(a, value, right);
                    words[1usize] |=
                        open(value, left) & reaches(c, value, left) & !reaches(ab, value, left);
                    words[1usize] |=
                        open(value, right) & reaches(d, value, right) & !reaches(abc, value, right);
                } else {
                    words[0usize] |= open(a, left) | open(b, right);
                    words[1usize] |= open(c, left) | open(d, right);
                    value = (a + b + c + d) * Quad::new(0.25);
                }
                let small = Sizes {
                    height: sizes.height / 2,
                    width: sizes.width / 2,
                    inputs: sizes.inputs,
                    outputs: sizes.outputs,
                };
                let x = spot.x / 2 + comptime!(window as u32);
                let quad = spot.channels * 2 + comptime!(half as u32);
                write(out, &small, spot.y / 2, x, quad, value);
            }
        }
    }
    let inside = spot.y < sizes.height && spot.x < sizes.width;
    if inside && spot.channels < sizes.outputs.div_ceil(8) {
        let at = word(sizes.width, sizes.outputs, spot.y, spot.x, spot.channels);
        bits[at as usize] = words[0usize];
        bits[(at + 1) as usize] = words[1usize];
    }
}

/// A bit for each channel above zero, from bit `first` on.
#[cube]
fn open(value: Quad, #[comptime] first: usize) -> u32 {
    let mut word = 0u32;
    #[unroll]
    for k in 0..4usize {
        word |= select(value.extract(k) > 0.0, comptime!(1u32 << (first + k)), 0u32);
    }
    word
}

/// A bit for each channel that is the largest of its window.
#[cube]
#[allow(clippy::float_cmp, reason = "the largest is one of them")]
fn reaches(value: Quad, largest: Quad, #[comptime] first: usize) -> u32 {
    let mut word = 0u32;
    #[unroll]
    for k in 0..4usize {
        let reached = value.extract(k) == largest.extract(k);
        word |= select(reached, comptime!(1u32 << (first + k)), 0u32);
    }
    word
}

/// A pool alone, a unit for each block of 2x4 pixels and eight channels.
#[cube(launch_unchecked)]
pub fn forward(
    map: &[Quad],
    out: &mut [Quad],
    bits: &mut [u32],
    sizes: Sizes,
    #[comptime] pool: Pool,
) {
    let groups = sizes.outputs.div_ceil(8);
    let quads = sizes.outputs.div_ceil(4);
    let across = sizes.width.div_ceil(4);
    let unit = ABSOLUTE_POS as u32;
    let spot = alone(
        unit / groups / across * 2,
        unit / groups % across * 4,
        unit % groups,
    );
    if spot.y < sizes.height {
        let mut block = Array::<Quad>::new(16usize);
        #[unroll]
        for pixel in 0..8usize {
            #[unroll]
            for half in 0..2usize {
                let y = spot.y + comptime!((pixel / 4) as u32);
                let x = spot.x + comptime!((pixel % 4) as u32);
                let quad = spot.channels * 2 + comptime!(half as u32);
                let mut value = Quad::new(0.0);
                if y < sizes.height && x < sizes.width && quad < quads {
                    value = map[((y * sizes.width + x) * quads + quad) as usize];
                }
                block[comptime!(2 * pixel + half)] = value;
            }
        }
        finish(&block, out, bits, &sizes, &spot, pool);
    }
}

/// The gradient of a pool's input, a unit for each pixel and quad of channels.
#[cube(launch_unchecked)]
pub fn backward(
    gradient: &[Quad],
    bits: &[u32],
    out: &mut [Quad],
    sizes: Sizes,
    #[comptime] pool: Pool,
) {
    let quads = sizes.outputs.div_ceil(4);
    let unit = ABSOLUTE_POS as u32;
    let (pixel, quad) = (unit / quads, unit % quads);
    let (y, x) = (pixel / sizes.width, pixel % sizes.width);
    let value = passed(gradient, bits, &sizes, y, x, quad, pool);
    write(out, &sizes, y, x, quad, value);
}
