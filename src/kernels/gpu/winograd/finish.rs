//! From the 36 products to what follows them.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

use super::super::super::cpu::layer::Pool;
use super::super::Quad;
use super::super::pools::{finish, write};
use super::super::tile::{Sizes, alone};
use super::rows;

/// The 4x4 pixels of a tile, for one quad of channels.
#[cube]
fn tile(products: &[Quad], at: u32, stride: u32) -> Array<Quad> {
    let mut half = Array::<Quad>::new(24usize);
    let mut six = Array::<Quad>::new(6usize);
    let mut four = Array::<Quad>::new(4usize);
    #[unroll]
    for j in 0..6usize {
        #[unroll]
        for i in 0..6usize {
            six[i] = products[(comptime!((i * 6 + j) as u32) * stride + at) as usize];
        }
        rows::output(&six, &mut four);
        #[unroll]
        for i in 0..4usize {
            half[comptime!(i * 6 + j)] = four[i];
        }
    }
    let mut out = Array::<Quad>::new(16usize);
    #[unroll]
    for i in 0..4usize {
        #[unroll]
        for j in 0..6usize {
            six[j] = half[comptime!(i * 6 + j)];
        }
        rows::output(&six, &mut four);
        #[unroll]
        for j in 0..4usize {
            out[comptime!(i * 4 + j)] = four[j];
        }
    }
    out
}

/// Bias, `ReLU`, pool and bits, a unit for each tile and eight channels.
#[cube(launch_unchecked)]
pub fn forward(
    products: &[Quad],
    bias: &[Quad],
    out: &mut [Quad],
    bits: &mut [u32],
    sizes: Sizes,
    #[comptime] pool: Pool,
) {
    let groups = sizes.outputs.div_ceil(8);
    let quads = sizes.outputs.div_ceil(4);
    let across = sizes.width.div_ceil(4);
    let tiles = across * sizes.height.div_ceil(4);
    let unit = ABSOLUTE_POS as u32;
    let (number, group) = (unit / groups, unit % groups);
    if number < tiles {
        let mut upper = Array::<Quad>::new(16usize);
        let mut lower = Array::<Quad>::new(16usize);
        #[unroll]
        for half in 0..2usize {
            let quad = min(group * 2 + comptime!(half as u32), quads - 1);
            let pixels = tile(products, number * quads + quad, tiles * quads);
            let value = bias[quad as usize];
            #[unroll]
            for p in 0..8usize {
                let at = comptime!(2 * p + half);
                upper[at] = max(pixels[p] + value, Quad::new(0.0));
                lower[at] = max(pixels[comptime!(p + 8)] + value, Quad::new(0.0));
            }
        }
        let above = alone(number / across * 4, number % across * 4, group);
        finish(&upper, out, bits, &sizes, &above, pool);
        let below = alone(above.y + 2, above.x, group);
        finish(&lower, out, bits, &sizes, &below, pool);
    }
}

/// The gradient of a map from its products, a unit for each tile and quad of channels.
#[cube(launch_unchecked)]
pub fn backward(products: &[Quad], out: &mut [Quad], sizes: Sizes) {
    let quads = sizes.outputs.div_ceil(4);
    let across = sizes.width.div_ceil(4);
    let tiles = across * sizes.height.div_ceil(4);
    let unit = ABSOLUTE_POS as u32;
    let (number, quad) = (unit / quads, unit % quads);
    if number < tiles {
        let pixels = tile(products, unit, tiles * quads);
        #[unroll]
        for p in 0..16usize {
            let y = number / across * 4 + comptime!((p / 4) as u32);
            let x = number % across * 4 + comptime!((p % 4) as u32);
            write(out, &sizes, y, x, quad, pixels[p]);
        }
    }
}
