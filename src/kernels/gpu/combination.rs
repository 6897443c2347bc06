//! A linear combination of pictures in few launches.
#![allow(unsafe_code)]

use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::launch::{ALONE, buffer};
use super::map::numbers;

/// Terms of a launch: with the result, the eight buffers that `WebGPU` grants everywhere.
const TERMS: usize = 7;

#[cube(launch_unchecked)]
fn combined(
    terms: &Sequence<Box<[f32]>>,
    factors: &Sequence<f32>,
    out: &mut [f32],
    count: u32,
    #[comptime] is_last: bool,
) {
    let at = ABSOLUTE_POS;
    if at < count as usize {
        let mut sum = 0.0f32;
        #[unroll]
        for k in 0..terms.len() {
            sum += factors[k] * terms[k][at];
        }
        if comptime!(is_last) {
            sum = clamp(sum, 0.0, 1.0);
        }
        out[at] = sum;
    }
}

/// The sum of all terms, of one shape, each times its factor: clamped to [0, 1].
pub fn combination(terms: Vec<(f32, CubeTensor)>) -> CubeTensor {
    let mut terms = terms.into_iter().map(|(f, x)| (f, into_contiguous(x)));
    let mut some: Vec<_> = terms.by_ref().take(TERMS).collect();
    loop {
        let more: Vec<_> = terms.by_ref().take(TERMS - 1).collect();
        let sum = launched(&some, more.is_empty());
        if more.is_empty() {
            return sum;
        }
        some = [(1.0, sum)].into_iter().chain(more).collect();
    }
}

fn launched(terms: &[(f32, CubeTensor)], is_last: bool) -> CubeTensor {
    let x = &terms[0].1;
    let count = x.meta.num_elements();
    let mut out = numbers(count, x);
    let dim = CubeDim::new_1d(ALONE);
    // SAFETY: units read and write below `count`.
    unsafe {
        combined::launch_unchecked(
            &x.client,
            calculate_cube_count_elemwise(&x.client, count, dim),
            dim,
            terms
                .iter()
                .map(|(_, x)| buffer(&x.handle, count))
                .collect(),
            terms.iter().map(|(factor, _)| *factor).collect(),
            buffer(&out.handle, count),
            count as u32,
            is_last,
        );
    }
    out.meta.clone_from(&x.meta);
    out
}
