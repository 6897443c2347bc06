//! Sums and squared distances, always added in the same order, and the gradient of a distance.
#![allow(unsafe_code)]

use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::launch::{ALONE, buffer};
use super::map::numbers;

/// Shares of a sum: as many as a workgroup adds up in the end. Always so many, so that parts of sums can
/// be added to each other, whatever they are of.
pub const SHARES: usize = ALONE as usize;

/// The sum of every unit's number, on the first.
#[cube]
pub fn gathered(own: f32) -> f32 {
    let mut sums = Shared::<[f32]>::new_slice(comptime!(ALONE as usize));
    sums[UNIT_POS as usize] = own;
    let mut half = comptime!(ALONE / 2).runtime();
    while half > 0 {
        sync_cube();
        if UNIT_POS < half {
            let other = sums[(UNIT_POS + half) as usize];
            sums[UNIT_POS as usize] += other;
        }
        half /= 2;
    }
    sums[0usize]
}

/// The sum of every unit's number, into the workgroup's place.
#[cube]
pub fn gather(own: f32, out: &mut [f32]) {
    let all = gathered(own);
    if UNIT_POS == 0 {
        out[CUBE_POS_X as usize] = all;
    }
}

/// One sum for each workgroup: of `a`, or of the squares of `a - b`.
#[cube(launch_unchecked)]
fn of_shares(
    a: &[f32],
    b: &[f32],
    out: &mut [f32],
    count: u32,
    share: u32,
    #[comptime] squares: bool,
) {
    let first = CUBE_POS_X * share;
    let last = min(first + share, count);
    let mut sum = 0.0f32;
    let mut at = first + UNIT_POS;
    while at < last {
        if comptime!(squares) {
            let off = a[at as usize] - b[at as usize];
            sum = fma(off, off, sum);
        } else {
            sum += a[at as usize];
        }
        at += comptime!(ALONE);
    }
    gather(sum, out);
}

/// One sum of the squares of `a - b` for each workgroup, and `slope * (a - b)`.
#[cube(launch_unchecked)]
fn of_shares_sloped(
    a: &[f32],
    b: &[f32],
    out: &mut [f32],
    slopes: &mut [f32],
    slope: f32,
    count: u32,
    share: u32,
) {
    let first = CUBE_POS_X * share;
    let last = min(first + share, count);
    let mut sum = 0.0f32;
    let mut at = first + UNIT_POS;
    while at < last {
        let off = a[at as usize] - b[at as usize];
        slopes[at as usize] = slope * off;
        sum = fma(off, off, sum);
        at += comptime!(ALONE);
    }
    gather(sum, out);
}

/// The sum of [`SHARES`] numbers, one of each unit, by each workgroup.
#[cube(launch_unchecked)]
fn total(shares: &[f32], out: &mut [f32]) {
    gather(shares[ABSOLUTE_POS], out);
}

#[cube(launch_unchecked)]
fn slopes(a: &[f32], b: &[f32], gradient: &[f32], out: &mut [f32], count: u32) {
    let at = ABSOLUTE_POS;
    if at < count as usize {
        out[at] = 2.0 * gradient[0usize] * (a[at] - b[at]);
    }
}

/// Whether a tensor's numbers, in some order, are all there is in its memory.
fn is_dense(x: &CubeTensor) -> bool {
    x.handle.size_in_used() as usize == 4 * x.meta.num_elements()
}

/// Both as they lie where they lie alike without gaps, else copies that do, and how many numbers.
fn alike(a: CubeTensor, b: CubeTensor) -> (CubeTensor, CubeTensor, usize) {
    let count = a.meta.num_elements();
    if a.meta.strides() == b.meta.strides() && is_dense(&a) && is_dense(&b) {
        return (a, b, count);
    }
    (into_contiguous(a), into_contiguous(b), count)
}

/// The sum of squares of `a - b`, in [`SHARES`] parts that are still to be added up.
pub fn distance(a: CubeTensor, b: CubeTensor) -> CubeTensor {
    let (a, b, count) = alike(a, b);
    parts(&a, &b, count, true)
}

/// The sum of `x`, `[1]`.
pub fn sum(x: CubeTensor) -> CubeTensor {
    let count = x.meta.num_elements();
    let x = if is_dense(&x) { x } else { into_contiguous(x) };
    totals(&parts(&x, &x, count, false), 1)
}

/// Numbers of each of the [`SHARES`] of so many.
pub fn share(count: usize) -> u32 {
    count.div_ceil(SHARES) as u32
}

/// The sums of as many shares each.
pub fn totals(parts: &CubeTensor, sums: usize) -> CubeTensor {
    let out = numbers(sums, parts);
    // SAFETY: each workgroup reads its own shares and writes one number.
    unsafe {
        total::launch_unchecked(
            &parts.client,
            CubeCount::Static(sums as u32, 1, 1),
            CubeDim::new_1d(ALONE),
            buffer(&parts.handle, sums * SHARES),
            buffer(&out.handle, sums),
        );
    }
    out
}

/// The parts of the sum of `a`'s numbers, or of the squares of `a - b`.
fn parts(a: &CubeTensor, b: &CubeTensor, count: usize, squares: bool) -> CubeTensor {
    let parts = numbers(SHARES, a);
    // SAFETY: units read below `count`, and write one number a workgroup.
    unsafe {
        of_shares::launch_unchecked(
            &a.client,
            CubeCount::Static(SHARES as u32, 1, 1),
            CubeDim::new_1d(ALONE),
            buffer(&a.handle, count),
            buffer(&b.handle, count),
            buffer(&parts.handle, SHARES),
            count as u32,
            share(count),
            squares,
        );
    }
    parts
}

/// The sum of squares of `a - b`, in parts, and `factor` times its gradient of `a`.
pub fn distance_and_slope(a: CubeTensor, b: CubeTensor, factor: f32) -> (CubeTensor, CubeTensor) {
    let (a, b, count) = alike(a, b);
    let (parts, mut slope) = (numbers(SHARES, &a), numbers(count, &a));
    // SAFETY: units read and write below `count`, and write one number a workgroup.
    unsafe {
        of_shares_sloped::launch_unchecked(
            &a.client,
            CubeCount::Static(SHARES as u32, 1, 1),
            CubeDim::new_1d(ALONE),
            buffer(&a.handle, count),
            buffer(&b.handle, count),
            buffer(&parts.handle, SHARES),
            buffer(&slope.handle, count),
            2.0 * factor,
            count as u32,
            share(count),
        );
    }
    slope.meta = a.meta;
    (parts, slope)
}

/// The gradient of `a`, for a gradient of each part of its distance from `b`, which is the same for all.
pub fn distance_backward(gradient: CubeTensor, a: CubeTensor, b: CubeTensor) -> CubeTensor {
    let (a, b, count) = alike(a, b);
    let gradient = into_contiguous(gradient);
    let mut out = numbers(count, &a);
    let dim = CubeDim::new_1d(ALONE);
    // SAFETY: units read and write below `count`.
    unsafe {
        slopes::launch_unchecked(
            &a.client,
            calculate_cube_count_elemwise(&a.client, count, dim),
            dim,
            buffer(&a.handle, count),
            buffer(&b.handle, count),
            buffer(&gradient.handle, 1),
            buffer(&out.handle, count),
            count as u32,
        );
    }
    out.meta = a.meta;
    out
}
