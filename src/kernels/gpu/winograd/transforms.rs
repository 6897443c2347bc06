//! Filters, maps and gradients on their way to the 36 products.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

use super::super::super::cpu::layer::Pool;
use super::super::Quad;
use super::super::fetch::{passed, pixel};
use super::super::tile::Sizes;
use super::rows;

/// Transforms filters, a unit for each input channel and quad of output channels.
#[cube(launch_unchecked)]
pub fn filters(plain: &[Quad], out: &mut [Quad], inputs: u32, outputs: u32) {
    let quads = outputs.div_ceil(4);
    let unit = ABSOLUTE_POS as u32;
    let (channel, quad) = (unit / quads, unit % quads);
    if channel < inputs {
        let mut half = Array::<Quad>::new(18usize);
        let mut six = Array::<Quad>::new(6usize);
        #[unroll]
        for column in 0..3usize {
            let at = (channel * 9 + comptime!(column as u32)) * quads + quad;
            let a = plain[at as usize];
            let b = plain[(at + 3 * quads) as usize];
            let c = plain[(at + 6 * quads) as usize];
            rows::filter(a, b, c, &mut six);
            #[unroll]
            for row in 0..6usize {
                half[comptime!(row * 3 + column)] = six[row];
            }
        }
        let stride = inputs * quads;
        #[unroll]
        for row in 0..6usize {
            let first = comptime!(row * 3);
            rows::filter(
                half[first],
                half[comptime!(first + 1)],
                half[comptime!(first + 2)],
                &mut six,
            );
            #[unroll]
            for column in 0..6usize {
                let at = comptime!((row * 6 + column) as u32) * stride + unit;
                out[at as usize] = six[column];
            }
        }
    }
}

/// Writes a tile's transform, whose columns have gone through [`rows::input`] already.
#[cube]
fn put(half: &Array<Quad>, out: &mut [Quad], at: u32, stride: u32) {
    let mut six = Array::<Quad>::new(6usize);
    let mut row = Array::<Quad>::new(6usize);
    #[unroll]
    for i in 0..6usize {
        #[unroll]
        for j in 0..6usize {
            row[j] = half[comptime!(i * 6 + j)];
        }
        rows::input(&row, &mut six);
        #[unroll]
        for j in 0..6usize {
            out[(comptime!((i * 6 + j) as u32) * stride + at) as usize] = six[j];
        }
    }
}

/// Transforms a map, a unit for each tile of 4x4 pixels and quad of channels.
#[cube(launch_unchecked)]
pub fn map(map: &[Quad], out: &mut [Quad], sizes: Sizes) {
    let quads = sizes.inputs.div_ceil(4);
    let across = sizes.width.div_ceil(4);
    let tiles = across * sizes.height.div_ceil(4);
    let unit = ABSOLUTE_POS as u32;
    let (tile, quad) = (unit / quads, unit % quads);
    if tile < tiles {
        let mut half = Array::<Quad>::new(36usize);
        let mut column = Array::<Quad>::new(6usize);
        let mut six = Array::<Quad>::new(6usize);
        #[unroll]
        for j in 0..6usize {
            #[unroll]
            for i in 0..6usize {
                // Below zero these wrap to numbers beyond any map.
                let y = tile / across * 4 + comptime!(i as u32) - 1;
                let x = tile % across * 4 + comptime!(j as u32) - 1;
                column[i] = pixel(map, &sizes, y, x, quad);
            }
            rows::input(&column, &mut six);
            #[unroll]
            for i in 0..6usize {
                half[comptime!(i * 6 + j)] = six[i];
            }
        }
        put(&half, out, unit, tiles * quads);
    }
}

/// The same for a gradient that has its `ReLU` and pool still to pass.
#[cube(launch_unchecked)]
pub fn gradient(
    gradient: &[Quad],
    bits: &[u32],
    out: &mut [Quad],
    sizes: Sizes,
    #[comptime] pool: Pool,
) {
    let quads = sizes.inputs.div_ceil(4);
    let across = sizes.width.div_ceil(4);
    let tiles = across * sizes.height.div_ceil(4);
    let unit = ABSOLUTE_POS as u32;
    let (tile, quad) = (unit / quads, unit % quads);
    if tile < tiles {
        let mut half = Array::<Quad>::new(36usize);
        let mut column = Array::<Quad>::new(6usize);
        let mut six = Array::<Quad>::new(6usize);
        #[unroll]
        for j in 0..6usize {
            #[unroll]
            for i in 0..6usize {
                let y = tile / across * 4 + comptime!(i as u32) - 1;
                let x = tile % across * 4 + comptime!(j as u32) - 1;
                column[i] = passed(gradient, bits, &sizes, y, x, quad, pool);
            }
            rows::input(&column, &mut six);
            #[unroll]
            for i in 0..6usize {
                half[comptime!(i * 6 + j)] = six[i];
            }
        }
        put(&half, out, unit, tiles * quads);
    }
}
