//! Many scalar products, always added in the same order.
#![allow(unsafe_code)]

use burn::tensor::Shape;
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;
use cubecl::zspace::Strides;

use super::launch::{ALONE, buffer};
use super::map::numbers;
use super::sums::{SHARES, gathered, share, totals};

/// Columns of a launch: with both rows and the result, the eight buffers that `WebGPU` grants
/// everywhere.
const COLUMNS: usize = 5;

/// The products of one share of each column with both rows, from the sum `place` on.
#[cube(launch_unchecked)]
fn products(
    first_row: &[f32],
    second_row: &[f32],
    columns: &Sequence<Box<[f32]>>,
    out: &mut [f32],
    count: u32,
    share: u32,
    place: u32,
) {
    let first = CUBE_POS_X * share;
    let last = min(first + share, count);
    #[unroll]
    for k in 0..columns.len() {
        let mut with_first = 0.0f32;
        let mut with_second = 0.0f32;
        let mut at = first + UNIT_POS;
        while at < last {
            let x = columns[k][at as usize];
            with_first = fma(x, first_row[at as usize], with_first);
            with_second = fma(x, second_row[at as usize], with_second);
            at += comptime!(ALONE);
        }
        let all_first = gathered(with_first);
        let all_second = gathered(with_second);
        if UNIT_POS == 0 {
            let own = (place + comptime!(2 * k as u32)) * CUBE_COUNT_X + CUBE_POS_X;
            out[own as usize] = all_first;
            out[(own + CUBE_COUNT_X) as usize] = all_second;
        }
    }
}

/// The scalar products of each column with both rows, `[columns, 2]`.
pub fn dots(rows: [CubeTensor; 2], columns: Vec<CubeTensor>) -> CubeTensor {
    let rows = rows.map(into_contiguous);
    let columns: Vec<_> = columns.into_iter().map(into_contiguous).collect();
    let count = rows[0].meta.num_elements();
    let sums = 2 * columns.len();
    let parts = numbers(sums * SHARES, &rows[0]);
    for (k, some) in columns.chunks(COLUMNS).enumerate() {
        // SAFETY: units read below `count`, and write two numbers a workgroup and column.
        unsafe {
            products::launch_unchecked(
                &parts.client,
                CubeCount::Static(SHARES as u32, 1, 1),
                CubeDim::new_1d(ALONE),
                buffer(&rows[0].handle, count),
                buffer(&rows[1].handle, count),
                some.iter().map(|x| buffer(&x.handle, count)).collect(),
                buffer(&parts.handle, sums * SHARES),
                count as u32,
                share(count),
                (2 * COLUMNS * k) as u32,
            );
        }
    }
    let mut out = totals(&parts, sums);
    let shape = Shape::from([columns.len(), 2]);
    *out.meta = burn_std::Metadata::new(shape, Strides::new(&[2, 1]));
    out
}
