//! Sums of products of what was fetched, in registers.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

use super::Quad;
use super::fetch;
use super::tile::{Sizes, Spot, Tile};

#[cube]
pub fn zeros() -> Array<Quad> {
    let mut sums = Array::<Quad>::new(16usize);
    #[unroll]
    for i in 0..16usize {
        sums[i] = Quad::new(0.0);
    }
    sums
}

/// Adds one input channel's part to the sums of a block: 2x4 pixels by eight channels.
#[cube]
fn accumulate(
    sums: &mut Array<Quad>,
    patch: &Shared<[Quad]>,
    filters: &mut Shared<[Quad]>,
    spot: &Spot,
    channel: u32,
    filter: u32,
    #[comptime] tile: Tile,
) {
    let across = comptime!(tile.patch_columns() as u32);
    let down = comptime!(tile.patch_rows() as u32);
    let high = comptime!(2 + 2 * tile.reach);
    let wide = comptime!(1 + tile.reach);
    let corner = (channel * down + spot.row * 2) * across + spot.column;
    let mut seen = Array::<Quad>::new(comptime!(high * wide));
    #[unroll]
    for i in 0..high {
        #[unroll]
        for j in 0..wide {
            seen[comptime!(i * wide + j)] =
                patch[(corner + comptime!(i as u32) * across + comptime!(j as u32)) as usize];
        }
    }
    let side = comptime!(2 * tile.reach + 1);
    let stride = comptime!(2 * tile.groups as u32);
    let first = filter * comptime!((side * side) as u32) * stride + spot.group * 2;
    #[unroll]
    for dy in 0..side {
        #[unroll]
        for dx in 0..side {
            let tap = first + comptime!((dy * side + dx) as u32) * stride;
            let low = filters[tap as usize];
            let high = filters[(tap + 1) as usize];
            #[unroll]
            for p in 0..8usize {
                let column = comptime!(p % 4 + dx);
                let value = seen[comptime!((p / 4 + dy) * wide + column / 4)]
                    .extract(comptime!(column % 4));
                let value = Quad::new(value);
                sums[comptime!(2 * p)] = fma(value, low, sums[comptime!(2 * p)]);
                sums[comptime!(2 * p + 1)] = fma(value, high, sums[comptime!(2 * p + 1)]);
            }
        }
    }
}

/// Adds what the fetched channels give.
#[cube]
pub fn multiply(
    sums: &mut Array<Quad>,
    patch: &Shared<[Quad]>,
    shared: &mut Shared<[Quad]>,
    filters: &[Quad],
    sizes: &Sizes,
    spot: &Spot,
    chunk: u32,
    #[comptime] tile: Tile,
) {
    let quads = comptime!(tile.quads as u32);
    for quad in 0..quads {
        if quad > 0 {
            sync_cube();
        }
        fetch::filters(shared, filters, sizes, (chunk * quads + quad) * 4, tile);
        sync_cube();
        for channel in 0..4u32 {
            accumulate(sums, patch, shared, spot, quad * 4 + channel, channel, tile);
        }
    }
}
