//! Launches of the kernels: how many units, on which buffers.
#![allow(unsafe_code)]

use burn::tensor::Shape;
use burn_cubecl::cubecl::calculate_cube_count_elemwise;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::server::Handle;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;

use super::super::cpu::layer::Pool;
use super::super::engine::Size;
use super::layer::Layer;
use super::map::{empty, numbers, quads, shape_of, zeros};
use super::tile::{SizesLaunch, Tile};
use super::{convolution, gram as grams, pools, winograd};

/// Units of a workgroup where each works alone.
pub const ALONE: u32 = 256;

/// A buffer of so many elements, whatever they are.
pub fn buffer(handle: &Handle, length: usize) -> BufferArg {
    // SAFETY: kernels reach no further than the sizes they are given, of which `length` is made.
    unsafe { BufferArg::from_raw_parts(handle.clone(), length) }
}

pub fn sizes(height: usize, width: usize, inputs: usize, outputs: usize) -> SizesLaunch {
    SizesLaunch::new(height as u32, width as u32, inputs as u32, outputs as u32)
}

/// Words of the bits of a map: a pair for each block of 2x4 pixels and eight channels.
pub fn words([channels, height, width]: [usize; 3]) -> usize {
    2 * height.div_ceil(2) * width.div_ceil(4) * channels.div_ceil(8)
}

/// The layer's output, pooled, and its bits.
pub fn forward(x: &CubeTensor, layer: &Layer, pool: Pool) -> (CubeTensor, CubeTensor) {
    let [inputs, height, width] = shape_of(x);
    if winograd::serves(x, [height, width], inputs, layer.outputs) {
        return winograd::forward(x, layer, pool);
    }
    plain_forward(x, layer, pool)
}

/// The same without Winograd's way.
pub fn plain_forward(x: &CubeTensor, layer: &Layer, pool: Pool) -> (CubeTensor, CubeTensor) {
    let shape @ [inputs, height, width] = shape_of(x);
    let out = [layer.outputs, pool.length(height), pool.length(width)];
    let count = words([layer.outputs, height, width]);
    let (map, bits) = (empty(out, x), numbers(count, x));
    let tile = Tile::of(layer.outputs, [height, width], 1, &x.client);
    let [quad, _] = quads(out);
    // SAFETY: units beyond the map read and write nothing.
    unsafe {
        convolution::forward::launch_unchecked(
            &x.client,
            tile.count(height, width, layer.outputs),
            CubeDim::new_1d(tile.units() as u32),
            buffer(&x.handle, quads(shape)[1]),
            buffer(&layer.forward, 9 * inputs * quad),
            buffer(&layer.bias, quad),
            buffer(&map.handle, quads(out)[1]),
            buffer(&bits.handle, count),
            sizes(height, width, inputs, layer.outputs),
            pool,
            tile,
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
    [height, width]: Size,
) -> CubeTensor {
    if winograd::serves(gradient, [height, width], layer.outputs, layer.inputs) {
        return winograd::backward(gradient, layer, pool, bits, [height, width]);
    }
    let shape = [layer.inputs, height, width];
    let out = empty(shape, gradient);
    let tile = Tile::of(layer.inputs, [height, width], 1, &gradient.client);
    let [quad, all] = quads(shape);
    // SAFETY: units beyond the map read and write nothing.
    unsafe {
        convolution::backward::launch_unchecked(
            &gradient.client,
            tile.count(height, width, layer.inputs),
            CubeDim::new_1d(tile.units() as u32),
            buffer(&gradient.handle, quads(shape_of(gradient))[1]),
            buffer(&bits.handle, words([layer.outputs, height, width])),
            buffer(&layer.backward, 9 * layer.outputs * quad),
            buffer(&out.handle, all),
            sizes(height, width, layer.outputs, layer.inputs),
            pool,
            tile,
        );
    }
    out
}

/// The pool of a map, and its bits.
pub fn pool(x: &CubeTensor, pool: Pool) -> (CubeTensor, CubeTensor) {
    let shape @ [channels, height, width] = shape_of(x);
    let small = [channels, pool.length(height), pool.length(width)];
    let (out, bits) = (empty(small, x), numbers(words(shape), x));
    let dim = CubeDim::new_1d(ALONE);
    // SAFETY: units beyond the map read and write nothing.
    unsafe {
        pools::forward::launch_unchecked(
            &x.client,
            calculate_cube_count_elemwise(&x.client, words(shape) / 2, dim),
            dim,
            buffer(&x.handle, quads(shape)[1]),
            buffer(&out.handle, quads(small)[1]),
            buffer(&bits.handle, words(shape)),
            sizes(height, width, channels, channels),
            pool,
        );
    }
    (out, bits)
}

/// The gradient of a pool's input of this size.
pub fn pool_backward(
    gradient: &CubeTensor,
    pool: Pool,
    bits: &CubeTensor,
    [height, width]: Size,
) -> CubeTensor {
    let small @ [channels, _, _] = shape_of(gradient);
    let shape = [channels, height, width];
    let out = empty(shape, gradient);
    let dim = CubeDim::new_1d(ALONE);
    // SAFETY: units beyond the map read and write nothing.
    unsafe {
        pools::backward::launch_unchecked(
            &gradient.client,
            calculate_cube_count_elemwise(&gradient.client, quads(shape)[1], dim),
            dim,
            buffer(&gradient.handle, quads(small)[1]),
            buffer(&bits.handle, words(shape)),
            buffer(&out.handle, quads(shape)[1]),
            sizes(height, width, channels, channels),
            pool,
        );
    }
    out
}

/// The Gram matrix of a map, over so many positions.
pub fn gram(x: &CubeTensor, positions: f32) -> CubeTensor {
    let shape @ [channels, height, width] = shape_of(x);
    let shares = grams::Shares::of(channels, height * width);
    let parts = numbers(shares.numbers(), x);
    let square = numbers(channels * channels, x);
    let (pixels, dim) = ((height * width) as u32, CubeDim::new_1d(ALONE));
    // SAFETY: no unit reads or writes beyond the sizes that are given.
    unsafe {
        grams::shares::launch_unchecked(
            &x.client,
            CubeCount::Static(shares.count as u32, shares.pairs as u32, 1),
            CubeDim::new_1d(grams::UNITS as u32),
            buffer(&x.handle, quads(shape)[1]),
            buffer(&parts.handle, shares.numbers() / 4),
            pixels,
            channels as u32,
            shares.pixels as u32,
        );
        grams::total::launch_unchecked(
            &x.client,
            calculate_cube_count_elemwise(&x.client, shares.numbers() / shares.count, dim),
            dim,
            buffer(&parts.handle, shares.numbers()),
            buffer(&square.handle, channels * channels),
            shares.count as u32,
            shares.pairs as u32,
            channels as u32,
            positions,
        );
    }
    CubeTensor::new_contiguous(
        square.client.clone(),
        square.device.clone(),
        Shape::from([channels, channels]),
        square.handle.clone(),
        square.dtype,
    )
}

/// The gradient of the map whose Gram matrix over so many positions has this gradient, added to another.
pub fn gram_backward(
    gradient: &CubeTensor,
    x: &CubeTensor,
    positions: f32,
    other: Option<CubeTensor>,
) -> CubeTensor {
    let shape @ [channels, height, width] = shape_of(x);
    let gradient = into_contiguous(gradient.clone());
    let [quad, all] = quads(shape);
    let matrix = numbers(4 * quad * channels, x);
    let sum = match other {
        Some(sum) if sum.can_mut() => sum,
        Some(shared) => shared.copy(),
        None => zeros(shape, x),
    };
    let (tile, dim) = (
        Tile::of(channels, [height, width], 0, &x.client),
        CubeDim::new_1d(ALONE),
    );
    // SAFETY: no unit reads or writes beyond the sizes that are given.
    unsafe {
        grams::symmetric::launch_unchecked(
            &x.client,
            calculate_cube_count_elemwise(&x.client, 4 * quad * channels, dim),
            dim,
            buffer(&gradient.handle, channels * channels),
            buffer(&matrix.handle, 4 * quad * channels),
            channels as u32,
            positions,
        );
        convolution::through::launch_unchecked(
            &x.client,
            tile.count(height, width, channels),
            CubeDim::new_1d(tile.units() as u32),
            buffer(&x.handle, all),
            buffer(&matrix.handle, channels * quad),
            buffer(&sum.handle, all),
            sizes(height, width, channels, channels),
            tile,
        );
    }
    sum
}
