//! The kernels of the CPU on plain slices: no tensor and no burn in here.

// Vector code must end up inside the function that switches its instructions on, and loops with
// an index are what the compiler keeps in registers there; iterators over vectors are not.
#![allow(clippy::inline_always, clippy::needless_range_loop)]

/// An array of six values, one for each index, without a loop: the compiler leaves long loops as
/// they are, and then keeps the array in memory instead of registers.
macro_rules! six {
    ($i:ident => $value:expr) => {
        [
            six!(@ $i 0 $value),
            six!(@ $i 1 $value),
            six!(@ $i 2 $value),
            six!(@ $i 3 $value),
            six!(@ $i 4 $value),
            six!(@ $i 5 $value),
        ]
    };
    (@ $i:ident $number:literal $value:expr) => {{
        let $i: usize = $number;
        $value
    }};
}

pub mod adam;
pub mod bits;
pub mod buffer;
pub mod combination;
pub mod curvature_pair;
pub mod difference;
mod direct;
pub mod filters;
pub mod gram;
pub mod layer;
pub mod layout;
pub mod part;
pub mod peak;
pub mod phase;
pub mod simd;
pub mod standardisation;
pub mod sum;
pub mod variation;
pub mod weighing;
mod winograd;

#[cfg(test)]
mod slice_tests;
