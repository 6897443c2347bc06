//! The numbers of flex's tensors as slices, and tensors around slices.

use std::ops::Deref;

use burn::backend::Flex;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType, Shape};
use rayon::prelude::*;

use super::super::cpu::buffer::Buffer;
use super::super::cpu::layout;
use super::super::cpu::phase::{Phase, timed};
use super::super::engine::Engine;
use super::super::storage;

/// A map's values, borrowed where they lie as they are wanted.
pub enum Values<'a> {
    Borrowed(&'a [f32]),
    Owned(Buffer),
}

impl Deref for Values<'_> {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        match self {
            Values::Borrowed(values) => values,
            Values::Owned(buffer) => buffer,
        }
    }
}

/// A map's values in the wanted order, copied only where they lie otherwise.
pub fn values(map: &FlexTensor, planar: bool) -> Values<'_> {
    let [channels, height, width] = Flex::shape_of(map);
    let strides = &map.layout().strides()[1..];
    let wanted = strides_of([channels, height, width], planar);
    let lies_so = strides
        .iter()
        .zip(&wanted[1..])
        .zip([channels, height, width])
        .all(|((&has, &wants), length)| length == 1 || has == wants);
    let storage: &[f32] = map.storage();
    let start = map.layout().start_offset();
    if lies_so {
        return Values::Borrowed(&storage[start..start + channels * height * width]);
    }
    let at = |c: usize, y: usize, x: usize| {
        let offset = strides[0] * c.cast_signed()
            + strides[1] * y.cast_signed()
            + strides[2] * x.cast_signed();
        storage[start.wrapping_add_signed(offset)]
    };
    let mut copy = Buffer::new(channels * height * width);
    timed(Phase::Layout, || {
        if planar {
            copy.par_chunks_mut(width.max(1))
                .enumerate()
                .for_each(|(row, out)| {
                    for (x, out) in out.iter_mut().enumerate() {
                        *out = at(row / height, row % height, x);
                    }
                });
        } else {
            copy.par_chunks_mut(channels.max(1))
                .enumerate()
                .for_each(|(pixel, out)| {
                    for (c, out) in out.iter_mut().enumerate() {
                        *out = at(c, pixel / width, pixel % width);
                    }
                });
        }
    });
    Values::Owned(copy)
}

/// Strides of a `[1, channels, height, width]` map in planes or channels-last.
fn strides_of([channels, height, width]: [usize; 3], planar: bool) -> [isize; 4] {
    let [channels, height, width] = [channels, height, width].map(usize::cast_signed);
    let all = channels * height * width;
    if planar {
        [all, height * width, width, 1]
    } else {
        [all, 1, width * channels, channels]
    }
}

/// A map around values in the given order.
pub fn map(values: Buffer, shape: [usize; 3], planar: bool) -> FlexTensor {
    let strides = strides_of(shape, planar).to_vec();
    let shape = Shape::from([1, shape[0], shape[1], shape[2]]);
    FlexTensor::new(
        storage::bytes(values),
        Layout::new(shape, strides, 0),
        DType::F32,
    )
}

/// A few numbers of any shape.
pub fn numbers(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(
        Bytes::from_elems(values),
        Layout::contiguous(shape),
        DType::F32,
    )
}

/// A map that lies channels-last, to be added to: the one that is given, or zeros.
pub fn to_add_to(given: Option<FlexTensor>, shape: [usize; 3]) -> FlexTensor {
    let Some(given) = given else {
        return map(layout::zeros(shape.iter().product()), shape, false);
    };
    if matches!(values(&given, false), Values::Borrowed(_)) {
        return given;
    }
    let mut copy = Buffer::new(shape.iter().product());
    copy.copy_from_slice(&values(&given, false));
    map(copy, shape, false)
}

/// Both tensors, of one shape, as they lie where they lie alike without gaps, else copies that do.
pub fn alike(a: &FlexTensor, b: &FlexTensor) -> [FlexTensor; 2] {
    if a.layout().strides() == b.layout().strides() && is_dense(a) {
        return [a.clone(), b.clone()];
    }
    [a.to_contiguous(), b.to_contiguous()]
}

/// Whether a tensor's numbers, in some order, lie in one run.
fn is_dense(x: &FlexTensor) -> bool {
    let (shape, strides) = (x.layout().shape(), x.layout().strides());
    let reach = shape
        .iter()
        .zip(strides)
        .map(|(&length, stride)| (length.cast_signed() - 1) * stride);
    strides.iter().all(|&stride| stride >= 0)
        && reach.sum::<isize>() + 1 == shape.num_elements().cast_signed()
}

/// The numbers of a tensor that lie in one run.
pub fn run(x: &FlexTensor) -> &[f32] {
    let start = x.layout().start_offset();
    &x.storage()[start..start + x.layout().shape().num_elements()]
}

/// The same, to be written.
pub fn run_mut(x: &mut FlexTensor) -> &mut [f32] {
    let (start, count) = (x.layout().start_offset(), x.layout().shape().num_elements());
    &mut x.storage_mut()[start..start + count]
}

/// A tensor around numbers that lie as those of `like`.
pub fn lying_as(like: &FlexTensor, values: Buffer) -> FlexTensor {
    let (shape, strides) = (
        like.layout().shape().clone(),
        like.layout().strides().to_vec(),
    );
    FlexTensor::new(
        storage::bytes(values),
        Layout::new(shape, strides, 0),
        DType::F32,
    )
}

/// A number that is a tensor's first.
pub fn first(x: &FlexTensor) -> f32 {
    x.storage::<f32>()[x.layout().start_offset()]
}
