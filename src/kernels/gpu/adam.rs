//! A step of Adam in one launch.
#![allow(unsafe_code)]

use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::launch::{ALONE, buffer};
use super::map::numbers;
use crate::kernels::AdamStep;

/// The numbers of a step.
#[derive(CubeType, CubeLaunch)]
struct Rates {
    beta1: f32,
    beta2: f32,
    rate: f32,
    correction: f32,
    epsilon: f32,
}

#[cube(launch_unchecked)]
fn pixels(
    x: &[f32],
    gradient: &[f32],
    first: &[f32],
    second: &[f32],
    moved: &mut [f32],
    new_first: &mut [f32],
    new_second: &mut [f32],
    rates: &Rates,
    count: u32,
) {
    let at = ABSOLUTE_POS;
    if at < count as usize {
        let slope = gradient[at];
        let m = first[at] * rates.beta1 + slope * (1.0 - rates.beta1);
        let v = second[at] * rates.beta2 + slope * slope * (1.0 - rates.beta2);
        let spread = v.sqrt() / rates.correction + rates.epsilon;
        let pixel = x[at] - m / spread * rates.rate;
        moved[at] = clamp(pixel, 0.0, 1.0);
        new_first[at] = m;
        new_second[at] = v;
    }
}

/// The picture and its moments after a step, all of `x`'s shape.
pub fn adam(
    x: CubeTensor,
    gradient: CubeTensor,
    moments: [CubeTensor; 2],
    step: AdamStep,
) -> [CubeTensor; 3] {
    let x = into_contiguous(x);
    let gradient = into_contiguous(gradient);
    let moments = moments.map(into_contiguous);
    let count = x.meta.num_elements();
    let mut new = [(); 3].map(|()| numbers(count, &x));
    let dim = CubeDim::new_1d(ALONE);
    let [beta1, beta2] = step.betas;
    // SAFETY: units read and write below `count`.
    unsafe {
        pixels::launch_unchecked(
            &x.client,
            calculate_cube_count_elemwise(&x.client, count, dim),
            dim,
            buffer(&x.handle, count),
            buffer(&gradient.handle, count),
            buffer(&moments[0].handle, count),
            buffer(&moments[1].handle, count),
            buffer(&new[0].handle, count),
            buffer(&new[1].handle, count),
            buffer(&new[2].handle, count),
            RatesLaunch::new(beta1, beta2, step.rate, step.correction, step.epsilon),
            count as u32,
        );
    }
    for new in &mut new {
        new.meta.clone_from(&x.meta);
    }
    new
}
