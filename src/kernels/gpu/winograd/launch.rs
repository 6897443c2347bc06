//! Launches of the three stages.
#![allow(unsafe_code)]

use burn_cubecl::cubecl::calculate_cube_count_elemwise;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::server::Handle;
use burn_cubecl::tensor::CubeTensor;

use super::super::super::cpu::layer::Pool;
use super::super::super::engine::Size;
use super::super::launch::{buffer, sizes, words};
use super::super::layer::Layer;
use super::super::map::{empty, numbers, quads, shape_of};
use super::products::{OUTPUTS, ROWS, UNITS, each};
use super::{finish, products as multiply, transforms};

/// Units of a workgroup where each works alone: few, since each needs many registers.
const ALONE: u32 = 64;

/// What one convolution is made of.
struct Work<'a> {
    client: &'a Client,
    tiles: usize,
    size: Size,
    inputs: usize,
    outputs: usize,
}

impl Work<'_> {
    fn sizes(&self) -> super::super::tile::SizesLaunch {
        let [height, width] = self.size;
        sizes(height, width, self.inputs, self.outputs)
    }

    /// Workgroups for so many units, each alone.
    fn alone(&self, units: usize) -> (CubeCount, CubeDim) {
        let dim = CubeDim::new_1d(ALONE);
        (calculate_cube_count_elemwise(self.client, units, dim), dim)
    }

    /// The products of a transformed map and plain filters.
    fn products(&self, map: &CubeTensor, filters: &Handle) -> CubeTensor {
        let Self {
            client,
            tiles,
            inputs,
            outputs,
            ..
        } = *self;
        let pairs = inputs * outputs / 4;
        let transformed = numbers(36 * 4 * pairs, map);
        let out = numbers(36 * tiles * outputs, map);
        let (count, dim) = self.alone(pairs);
        let groups = |length: usize, group: usize| length.div_ceil(group) as u32;
        // SAFETY: no unit reads or writes beyond the sizes that are given.
        unsafe {
            transforms::filters::launch_unchecked(
                client,
                count,
                dim,
                buffer(filters, 9 * pairs),
                buffer(&transformed.handle, 36 * pairs),
                inputs as u32,
                outputs as u32,
            );
            multiply::products::launch_unchecked(
                client,
                CubeCount::Static(
                    groups(tiles, ROWS * each(tiles)),
                    groups(outputs, OUTPUTS),
                    36,
                ),
                CubeDim::new_1d(UNITS as u32),
                buffer(&map.handle, 9 * tiles * inputs),
                buffer(&transformed.handle, 36 * pairs),
                buffer(&out.handle, 9 * tiles * outputs),
                tiles as u32,
                inputs as u32,
                outputs as u32,
                each(tiles),
            );
        }
        out
    }
}

fn tiles([height, width]: Size) -> usize {
    height.div_ceil(4) * width.div_ceil(4)
}

/// The layer's output, pooled, and its bits.
pub fn forward(x: &CubeTensor, layer: &Layer, pool: Pool) -> (CubeTensor, CubeTensor) {
    let [inputs, height, width] = shape_of(x);
    let work = Work {
        client: &x.client,
        tiles: tiles([height, width]),
        size: [height, width],
        inputs,
        outputs: layer.outputs,
    };
    let (tiles, outputs) = (work.tiles, layer.outputs);
    let transformed = numbers(36 * tiles * inputs, x);
    let (count, dim) = work.alone(tiles * inputs / 4);
    // SAFETY: units beyond the map read and write nothing.
    unsafe {
        transforms::map::launch_unchecked(
            work.client,
            count,
            dim,
            buffer(&x.handle, quads([inputs, height, width])[1]),
            buffer(&transformed.handle, 9 * tiles * inputs),
            work.sizes(),
        );
    }
    let products = work.products(&transformed, &layer.forward);
    drop(transformed);
    let out = [outputs, pool.length(height), pool.length(width)];
    let words = words([outputs, height, width]);
    let (map, bits) = (empty(out, x), numbers(words, x));
    let (count, dim) = work.alone(tiles * outputs.div_ceil(8));
    // SAFETY: as above.
    unsafe {
        finish::forward::launch_unchecked(
            work.client,
            count,
            dim,
            buffer(&products.handle, 9 * tiles * outputs),
            buffer(&layer.bias, outputs / 4),
            buffer(&map.handle, quads(out)[1]),
            buffer(&bits.handle, words),
            work.sizes(),
            pool,
        );
    }
    (map, bits)
}

/// The gradient of the layer's input of this size.
pub fn backward(
    gradient: &CubeTensor,
    layer: &Layer,
    pool: Pool,
    bits: &CubeTensor,
    size: Size,
) -> CubeTensor {
    let work = Work {
        client: &gradient.client,
        tiles: tiles(size),
        size,
        inputs: layer.outputs,
        outputs: layer.inputs,
    };
    let (tiles, [height, width]) = (work.tiles, size);
    let transformed = numbers(36 * tiles * work.inputs, gradient);
    let (count, dim) = work.alone(tiles * work.inputs / 4);
    // SAFETY: units beyond the map read and write nothing.
    unsafe {
        transforms::gradient::launch_unchecked(
            work.client,
            count,
            dim,
            buffer(&gradient.handle, quads(shape_of(gradient))[1]),
            buffer(&bits.handle, words([layer.outputs, height, width])),
            buffer(&transformed.handle, 9 * tiles * work.inputs),
            work.sizes(),
            pool,
        );
    }
    let products = work.products(&transformed, &layer.backward);
    drop(transformed);
    let shape = [layer.inputs, height, width];
    let out = empty(shape, gradient);
    let (count, dim) = work.alone(tiles * layer.inputs / 4);
    // SAFETY: as above.
    unsafe {
        finish::backward::launch_unchecked(
            work.client,
            count,
            dim,
            buffer(&products.handle, 9 * tiles * layer.inputs),
            buffer(&out.handle, quads(shape)[1]),
            work.sizes(),
        );
    }
    out
}
