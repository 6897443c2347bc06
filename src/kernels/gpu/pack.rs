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

/// A unit for each pixel and quad of channels.
#[cube(launch_unchecked)]
pub fn pack(map: &[f32], out: &mut [Quad], strides: Strides, sizes: Sizes) {
    let quads = sizes.outputs.div_ceil(4);
    let unit = ABSOLUTE_POS as u32;
    let (pixel, quad) = (unit / quads, unit % quads);
    let (y, x) = (pixel / sizes.width, pixel % sizes.width);
    if y < sizes.height {
        let corner = y * strides.row + x * strides.column;
        let mut value = Quad::new(0.0);
        #[unroll]
        for k in 0..4usize {
            let channel = quad * 4 + comptime!(k as u32);
            if channel < sizes.outputs {
                value.insert(k, map[(corner + channel * strides.channel) as usize]);
            }
        }
        out[unit as usize] = value;
    }
}
