//! The convolution with all that follows it, its gradient, and products with a matrix.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

use super::super::cpu::layer::Pool;
use super::Quad;
use super::fetch;
use super::pools::{finish, write};
use super::product::{multiply, zeros};
use super::tile::{Sizes, Tile, spot};

/// Bias, `ReLU`, pool, and a bit for each activation that a gradient passes.
#[cube(launch_unchecked)]
pub fn forward(
    map: &[Quad],
    filters: &[Quad],
    bias: &[Quad],
    out: &mut [Quad],
    bits: &mut [u32],
    sizes: Sizes,
    #[comptime] pool: Pool,
    #[comptime] tile: Tile,
) {
    let spot = spot(tile);
    let mut sums = zeros();
    let mut patch = Shared::<[Quad]>::new_slice(comptime!(4 * tile.places()));
    let mut shared = Shared::<[Quad]>::new_slice(comptime!(tile.filters()));
    for chunk in 0..sizes.inputs.div_ceil(comptime!(4 * tile.quads as u32)) {
        sync_cube();
        fetch::map(&mut patch, map, &sizes, chunk, tile);
        multiply(
            &mut sums,
            &patch,
            &mut shared,
            filters,
            &sizes,
            &spot,
            chunk,
            tile,
        );
    }
    #[unroll]
    for half in 0..2usize {
        let quad = spot.channels * 2 + comptime!(half as u32);
        let mut value = Quad::new(0.0);
        if quad < sizes.outputs.div_ceil(4) {
            value = bias[quad as usize];
        }
        #[unroll]
        for pixel in 0..8usize {
            let at = comptime!(2 * pixel + half);
            sums[at] = max(sums[at] + value, Quad::new(0.0));
        }
    }
    finish(&sums, out, bits, &sizes, &spot, pool);
}

/// The gradient of a convolution's input. `sizes.inputs` are the layer's outputs here.
#[cube(launch_unchecked)]
pub fn backward(
    gradient: &[Quad],
    bits: &[u32],
    filters: &[Quad],
    out: &mut [Quad],
    sizes: Sizes,
    #[comptime] pool: Pool,
    #[comptime] tile: Tile,
) {
    let spot = spot(tile);
    let mut sums = zeros();
    let mut patch = Shared::<[Quad]>::new_slice(comptime!(4 * tile.places()));
    let mut shared = Shared::<[Quad]>::new_slice(comptime!(tile.filters()));
    for chunk in 0..sizes.inputs.div_ceil(comptime!(4 * tile.quads as u32)) {
        sync_cube();
        fetch::gradient(&mut patch, gradient, bits, &sizes, chunk, pool, tile);
        multiply(
            &mut sums,
            &patch,
            &mut shared,
            filters,
            &sizes,
            &spot,
            chunk,
            tile,
        );
    }
    #[unroll]
    for pixel in 0..8usize {
        #[unroll]
        for half in 0..2usize {
            let y = spot.y + comptime!((pixel / 4) as u32);
            let x = spot.x + comptime!((pixel % 4) as u32);
            let quad = spot.channels * 2 + comptime!(half as u32);
            write(out, &sizes, y, x, quad, sums[comptime!(2 * pixel + half)]);
        }
    }
}

/// Every pixel's channels times a matrix, added to what is there.
#[cube(launch_unchecked)]
pub fn through(
    map: &[Quad],
    matrix: &[Quad],
    out: &mut [Quad],
    sizes: Sizes,
    #[comptime] tile: Tile,
) {
    let spot = spot(tile);
    let mut sums = zeros();
    let mut patch = Shared::<[Quad]>::new_slice(comptime!(4 * tile.places()));
    let mut shared = Shared::<[Quad]>::new_slice(comptime!(tile.filters()));
    for chunk in 0..sizes.inputs.div_ceil(comptime!(4 * tile.quads as u32)) {
        sync_cube();
        fetch::map(&mut patch, map, &sizes, chunk, tile);
        multiply(
            &mut sums,
            &patch,
            &mut shared,
            matrix,
            &sizes,
            &spot,
            chunk,
            tile,
        );
    }
    let quads = sizes.outputs.div_ceil(4);
    #[unroll]
    for pixel in 0..8usize {
        #[unroll]
        for half in 0..2usize {
            let y = spot.y + comptime!((pixel / 4) as u32);
            let x = spot.x + comptime!((pixel % 4) as u32);
            let quad = spot.channels * 2 + comptime!(half as u32);
            if y < sizes.height && x < sizes.width && quad < quads {
                let at = (y * sizes.width + x) * quads + quad;
                out[at as usize] += sums[comptime!(2 * pixel + half)];
            }
        }
    }
}
