//! The 36 products.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

use super::super::Quad;

/// Output channels of a workgroup.
pub const OUTPUTS: usize = 128;
/// Rows of units of a workgroup.
pub const ROWS: usize = 16;
/// Input channels that are fetched at once.
pub const DEPTH: usize = 16;
/// Units of a workgroup: each adds up eight channels of some tiles.
pub const UNITS: usize = 256;

/// Tiles that each unit adds up: eight, or fewer where there are not enough.
pub fn each(tiles: usize) -> usize {
    tiles.div_ceil(ROWS).next_power_of_two().min(8)
}

/// 36 products, of tiles by inputs with inputs by outputs. Workgroups: tiles, outputs, positions.
#[cube(launch_unchecked)]
pub fn products(
    maps: &[Quad],
    filters: &[Quad],
    out: &mut [Quad],
    tiles: u32,
    inputs: u32,
    outputs: u32,
    #[comptime] each: usize,
) {
    let deep = comptime!((DEPTH / 4) as u32);
    let wide = comptime!((OUTPUTS / 4) as u32);
    let mut left = Shared::<[Quad]>::new_slice(comptime!(ROWS * each * DEPTH / 4));
    let mut right = Shared::<[Quad]>::new_slice(comptime!(OUTPUTS * DEPTH / 4));
    let (from, to) = (inputs / 4, outputs / 4);
    let maps_at = CUBE_POS_Z * tiles * from;
    let filters_at = CUBE_POS_Z * inputs * to;
    let first = CUBE_POS_X * comptime!((ROWS * each) as u32);
    let quad = CUBE_POS_Y * wide;
    let (ty, tx) = (UNIT_POS / 16, UNIT_POS % 16);
    let mut sums = Array::<Quad>::new(comptime!(2 * each));
    #[unroll]
    for i in 0..comptime!(2 * each) {
        sums[i] = Quad::new(0.0);
    }
    let steps = inputs / comptime!(DEPTH as u32);
    for step in 0..steps {
        sync_cube();
        #[unroll]
        for turn in 0..comptime!((ROWS * each * DEPTH / 4).div_ceil(UNITS)) {
            let item = UNIT_POS + comptime!((turn * UNITS) as u32);
            if item < comptime!((ROWS * each * DEPTH / 4) as u32) {
                let tile = first + item / deep;
                let mut value = Quad::new(0.0);
                if tile < tiles {
                    value = maps[(maps_at + tile * from + step * deep + item % deep) as usize];
                }
                left[item as usize] = value;
            }
        }
        #[unroll]
        for turn in 0..comptime!(OUTPUTS * DEPTH / 4 / UNITS) {
            let item = UNIT_POS + comptime!((turn * UNITS) as u32);
            let column = quad + item % wide;
            let mut value = Quad::new(0.0);
            if column < to {
                let row = step * comptime!(DEPTH as u32) + item / wide;
                value = filters[(filters_at + row * to + column) as usize];
            }
            right[item as usize] = value;
        }
        sync_cube();
        for four in 0..deep {
            let mut a = Array::<Quad>::new(each);
            #[unroll]
            for i in 0..each {
                a[i] = left
                    [((ty * comptime!(each as u32) + comptime!(i as u32)) * deep + four) as usize];
            }
            #[unroll]
            for k in 0..4usize {
                let row = (four * 4 + comptime!(k as u32)) * wide + tx;
                let low = right[row as usize];
                let high = right[(row + 16) as usize];
                #[unroll]
                for i in 0..each {
                    let value = Quad::new(a[i].extract(k));
                    sums[comptime!(2 * i)] = fma(value, low, sums[comptime!(2 * i)]);
                    sums[comptime!(2 * i + 1)] = fma(value, high, sums[comptime!(2 * i + 1)]);
                }
            }
        }
    }
    #[unroll]
    for i in 0..each {
        let tile = first + ty * comptime!(each as u32) + comptime!(i as u32);
        let at = CUBE_POS_Z * tiles * to + tile * to + quad + tx;
        if tile < tiles && quad + tx < to {
            out[at as usize] = sums[comptime!(2 * i)];
        }
        if tile < tiles && quad + tx + 16 < to {
            out[(at + 16) as usize] = sums[comptime!(2 * i + 1)];
        }
    }
}
