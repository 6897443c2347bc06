//! Maps as tensors of graphics cards.

use std::sync::{Mutex, PoisonError};

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::server::Handle;
use burn_cubecl::cubecl::{calculate_cube_count_elemwise, zspace::Strides};
use burn_cubecl::tensor::CubeTensor;

use super::launch::{ALONE, buffer, sizes};
use super::pack::{StridesLaunch, pack, pack_standardised};

/// Channels, height and width of a map. Panics unless it is one picture's, in f32.
pub fn shape_of(map: &CubeTensor) -> [usize; 3] {
    let shape = map.meta.shape();
    assert!(
        shape.num_dims() == 4 && shape[0] == 1,
        "a map is [1, channels, height, width]"
    );
    assert_eq!(map.dtype, DType::F32, "maps are f32");
    [shape[1], shape[2], shape[3]]
}

/// Quads of channels of a map, and of all its pixels.
pub fn quads([channels, height, width]: [usize; 3]) -> [usize; 2] {
    let quads = channels.div_ceil(4);
    [quads, quads * height * width]
}

/// Numbers between channels, rows and columns of a map in these kernels' order.
fn strides([channels, _, width]: [usize; 3]) -> [usize; 3] {
    let pixel = 4 * channels.div_ceil(4);
    [1, width * pixel, pixel]
}

/// The same numbers as a map of this shape with these strides.
pub fn seen_as(mut map: CubeTensor, shape: [usize; 3], strides: [usize; 3]) -> CubeTensor {
    let [channels, height, width] = shape;
    let all = strides[1] * height;
    let strides = Strides::new(&[all, strides[0], strides[1], strides[2]]);
    let shape = Shape::from([1, channels, height, width]);
    *map.meta = burn_std::Metadata::new(shape, strides);
    map
}

/// A map of this shape whose numbers are still to be written, on the device of `like`.
pub fn empty(shape: [usize; 3], like: &CubeTensor) -> CubeTensor {
    let [_, count] = quads(shape);
    seen_as(numbers(4 * count, like), shape, strides(shape))
}

/// A map of zeros.
pub fn zeros(shape: [usize; 3], like: &CubeTensor) -> CubeTensor {
    let [_, count] = quads(shape);
    let device = like.device.clone();
    let flat = Shape::from([4 * count]);
    let zeros = burn_cubecl::ops::numeric::zeros(device, flat, DType::F32);
    seen_as(zeros, shape, strides(shape))
}

/// One number, zero, on the device of `like`; written once for each device.
pub fn one_zero(like: &CubeTensor) -> CubeTensor {
    static ZEROS: Mutex<Vec<CubeTensor>> = Mutex::new(Vec::new());
    let mut zeros = ZEROS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = zeros.iter().find(|zero| zero.device == like.device);
    if let Some(known) = known {
        return known.clone();
    }
    let device = like.device.clone();
    let zero = burn_cubecl::ops::numeric::zeros(device, Shape::from([1]), DType::F32);
    zeros.push(zero.clone());
    zero
}

/// Numbers still to be written.
pub fn numbers(count: usize, like: &CubeTensor) -> CubeTensor {
    CubeTensor::new_contiguous(
        like.client.clone(),
        like.device.clone(),
        Shape::from([count]),
        like.client.empty(4 * count),
        DType::F32,
    )
}

/// The map in these kernels' order, copied only where it lies otherwise.
pub fn packed(map: CubeTensor) -> CubeTensor {
    let shape @ [channels, height, width] = shape_of(&map);
    let has = [1, 2, 3].map(|axis| map.meta.strides()[axis]);
    let lies_so = (has.iter().zip(strides(shape)).zip(shape))
        .all(|((&has, wanted), length)| length == 1 || has == wanted);
    if channels.is_multiple_of(4) && lies_so {
        return map;
    }
    let out = empty(shape, &map);
    let [_, units] = quads(shape);
    let dim = CubeDim::new_1d(ALONE);
    // SAFETY: a unit reads where the map's own strides lead, and writes its quad if there is one.
    #[allow(unsafe_code)]
    unsafe {
        pack::launch_unchecked(
            &map.client,
            calculate_cube_count_elemwise(&map.client, units, dim),
            dim,
            everything(&map),
            buffer(&out.handle, units),
            strides_of(&map),
            sizes(height, width, 0, channels),
            units as u32,
        );
    }
    out
}

/// A picture in these kernels' order, taken to a standard: mean and scale of its one quad of channels.
pub fn standardised(picture: &CubeTensor, standard: &Handle) -> CubeTensor {
    let shape @ [channels, height, width] = shape_of(picture);
    let out = empty(shape, picture);
    let [_, units] = quads(shape);
    let dim = CubeDim::new_1d(ALONE);
    // SAFETY: a unit reads where the picture's own strides lead, and writes its quad if there is one.
    #[allow(unsafe_code)]
    unsafe {
        pack_standardised::launch_unchecked(
            &picture.client,
            calculate_cube_count_elemwise(&picture.client, units, dim),
            dim,
            everything(picture),
            buffer(standard, 2),
            buffer(&out.handle, units),
            strides_of(picture),
            sizes(height, width, 0, channels),
            units as u32,
        );
    }
    out
}

/// All numbers of a tensor's memory.
fn everything(map: &CubeTensor) -> BufferArg {
    buffer(&map.handle, map.handle.size_in_used() as usize / 4)
}

fn strides_of(map: &CubeTensor) -> StridesLaunch {
    let [channel, row, column] = [1, 2, 3].map(|axis| map.meta.strides()[axis] as u32);
    StridesLaunch::new(channel, row, column)
}
