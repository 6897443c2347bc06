//! The variation of a picture between neighbouring pixels, and its gradient.
#![allow(unsafe_code)]

use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::launch::{ALONE, buffer};
use super::map::{numbers, shape_of};
use super::sums::{SHARES, gather, share};
use crate::kernels::cpu::part::Place;
use crate::kernels::cpu::variation::Neighbours;

/// Where the first pixels of pairs lie in a plane, and how much each pair counts.
#[derive(CubeType, CubeLaunch)]
struct Pairs {
    top: u32,
    bottom: u32,
    left: u32,
    right: u32,
    weight: f32,
}

/// The difference of the pair that begins at a pixel, 0 where none does.
#[cube]
fn difference(x: &[f32], pairs: &Pairs, row: u32, column: u32, at: u32, step: u32) -> f32 {
    let mut off = 0.0f32;
    if row >= pairs.top && row < pairs.bottom && column >= pairs.left && column < pairs.right {
        off = x[(at + step) as usize] - x[at as usize];
    }
    off
}

#[cube(launch_unchecked)]
fn shares(
    x: &[f32],
    out: &mut [f32],
    across: &Pairs,
    down: &Pairs,
    height: u32,
    width: u32,
    count: u32,
    share: u32,
) {
    let first = CUBE_POS_X * share;
    let last = min(first + share, count);
    let mut sum = 0.0f32;
    let mut at = first + UNIT_POS;
    while at < last {
        let (row, column) = (at / width % height, at % width);
        let right = difference(x, across, row, column, at, 1u32);
        let below = difference(x, down, row, column, at, width);
        sum += across.weight * right * right + down.weight * below * below;
        at += comptime!(ALONE);
    }
    gather(sum, out);
}

#[cube(launch_unchecked)]
fn slopes(
    x: &[f32],
    gradient: &[f32],
    out: &mut [f32],
    across: &Pairs,
    down: &Pairs,
    height: u32,
    width: u32,
    count: u32,
) {
    let at = ABSOLUTE_POS as u32;
    if at < count {
        let (row, column) = (at / width % height, at % width);
        // Beyond the first row and column the numbers wrap, and lie in no pair.
        let left = difference(x, across, row, column - 1, at - 1, 1u32);
        let right = difference(x, across, row, column, at, 1u32);
        let above = difference(x, down, row - 1, column, at - width, width);
        let below = difference(x, down, row, column, at, width);
        let slope = across.weight * (left - right) + down.weight * (above - below);
        out[at as usize] = 2.0 * gradient[0usize] * slope;
    }
}

fn pairs(place: &Place, weight: f32) -> PairsLaunch {
    let Place { rows, columns, .. } = place;
    let [top, bottom, left, right] =
        [rows.start, rows.end, columns.start, columns.end].map(|at| at as u32);
    PairsLaunch::new(top, bottom, left, right, weight)
}

/// The sum of the squared differences, those of either kind times its weight, in [`SHARES`] parts that are
/// still to be added up.
pub fn variation(x: CubeTensor, neighbours: &Neighbours, weights: [f32; 2]) -> CubeTensor {
    let x = into_contiguous(x);
    let ([_, height, width], count) = (shape_of(&x), x.meta.num_elements());
    let parts = numbers(SHARES, &x);
    // SAFETY: units read below `count`, where pairs lie within the planes, and write one number a
    // workgroup.
    unsafe {
        shares::launch_unchecked(
            &x.client,
            CubeCount::Static(SHARES as u32, 1, 1),
            CubeDim::new_1d(ALONE),
            buffer(&x.handle, count),
            buffer(&parts.handle, SHARES),
            pairs(&neighbours.across, weights[0]),
            pairs(&neighbours.down, weights[1]),
            height as u32,
            width as u32,
            count as u32,
            share(count),
        );
    }
    parts
}

/// The gradient of `x`, for a gradient of each of those parts, which is the same for all.
pub fn variation_backward(
    gradient: CubeTensor,
    x: CubeTensor,
    neighbours: &Neighbours,
    weights: [f32; 2],
) -> CubeTensor {
    let (x, gradient) = (into_contiguous(x), into_contiguous(gradient));
    let ([_, height, width], count) = (shape_of(&x), x.meta.num_elements());
    let mut out = numbers(count, &x);
    let dim = CubeDim::new_1d(ALONE);
    // SAFETY: units read and write below `count`, where pairs lie within the planes.
    unsafe {
        slopes::launch_unchecked(
            &x.client,
            calculate_cube_count_elemwise(&x.client, count, dim),
            dim,
            buffer(&x.handle, count),
            buffer(&gradient.handle, 1),
            buffer(&out.handle, count),
            pairs(&neighbours.across, weights[0]),
            pairs(&neighbours.down, weights[1]),
            height as u32,
            width as u32,
            count as u32,
        );
    }
    out.meta = x.meta;
    out
}
