//! What L-BFGS learns from a move of the picture, in one launch.
#![allow(unsafe_code)]

use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::launch::{ALONE, buffer};
use super::map::numbers;

#[cube(launch_unchecked)]
fn pixels(
    x: &[f32],
    gradient: &[f32],
    old_x: &[f32],
    old: &[f32],
    projected: &mut [f32],
    s: &mut [f32],
    y: &mut [f32],
    count: u32,
) {
    let at = ABSOLUTE_POS;
    if at < count as usize {
        let (pixel, slope) = (x[at], gradient[at]);
        let leaves = (slope > 0.0 && pixel <= 0.0) || (slope < 0.0 && pixel >= 1.0);
        let inside = select(leaves, 0.0, slope);
        projected[at] = inside;
        s[at] = pixel - old_x[at];
        y[at] = inside - old[at];
    }
}

/// The gradient without what would push a pixel out of [0, 1], and how far the picture and this gradient
/// are from those before, all of one shape.
pub fn curvature_pair(now: [CubeTensor; 2], before: [CubeTensor; 2]) -> [CubeTensor; 3] {
    let [x, gradient] = now.map(into_contiguous);
    let [old_x, old] = before.map(into_contiguous);
    let count = x.meta.num_elements();
    let mut new = [(); 3].map(|()| numbers(count, &x));
    let dim = CubeDim::new_1d(ALONE);
    // SAFETY: units read and write below `count`.
    unsafe {
        pixels::launch_unchecked(
            &x.client,
            calculate_cube_count_elemwise(&x.client, count, dim),
            dim,
            buffer(&x.handle, count),
            buffer(&gradient.handle, count),
            buffer(&old_x.handle, count),
            buffer(&old.handle, count),
            buffer(&new[0].handle, count),
            buffer(&new[1].handle, count),
            buffer(&new[2].handle, count),
            count as u32,
        );
    }
    for new in &mut new {
        new.meta.clone_from(&x.meta);
    }
    new
}
