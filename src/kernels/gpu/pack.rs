//! A map that lies in any order, brought into the order of these kernels.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

use super::Quad;
use super::tile::Sizes;

/// Numbers between neighbouring channels, rows and columns.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub struct Strides {
    pub channel: u32,
    pub row: u32,
    pub column: u32,
}

/// The quad of channels of a unit: one for each pixel and quad.
#[cube]
fn taken(map: &[f32], unit: u32, strides: &Strides, sizes: &Sizes) -> Quad {
    let quads = sizes.outputs.div_ceil(4);
    let (pixel, quad) = (unit / quads, unit % quads);
    let corner = (pixel / sizes.width) * strides.row + (pixel % sizes.width) * strides.column;
    let mut value = Quad::new(0.0);
    #[unroll]
    for k in 0..4usize {
        let channel = quad * 4 + comptime!(k as u32);
        if channel < sizes.outputs {
            value.insert(k, map[(corner + channel * strides.channel) as usize]);
        }
    }
    value
}

#[cube(launch_unchecked)]
pub fn pack(map: &[f32], out: &mut [Quad], strides: Strides, sizes: Sizes, units: u32) {
    let unit = ABSOLUTE_POS as u32;
    if unit < units {
        out[unit as usize] = taken(map, unit, &strides, &sizes);
    }
}

/// The same of a picture's one quad of channels, taken to a standard: `standard` has its mean and scale.
#[cube(launch_unchecked)]
pub fn pack_standardised(
    map: &[f32],
    standard: &[Quad],
    out: &mut [Quad],
    strides: Strides,
    sizes: Sizes,
    units: u32,
) {
    let unit = ABSOLUTE_POS as u32;
    if unit < units {
        let value = taken(map, unit, &strides, &sizes);
        out[unit as usize] = (value - standard[0usize]) * standard[1usize];
    }
}
