//! The kernels on graphics cards, for every runtime of `CubeCL`.
//!
//! A map lies channels-last, its channels padded with zeros to a multiple of four, so that a unit
//! reads and writes four at once. A convolution is a product of tiles: a workgroup fetches a patch of
//! pixels and the filters of four input channels into shared memory, and each of its units adds up
//! 2x4 pixels of eight output channels in registers.

#![allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "an array in a kernel is a place in registers, whatever its size here"
)]

mod adam;
mod combination;
mod convolution;
mod curvature_pair;
mod dots;
mod fetch;
mod gram;
mod launch;
pub mod layer;
mod map;
mod pack;
mod pools;
mod product;
mod sums;
mod tile;
mod variation;
pub mod watch;
mod winograd;

use burn::backend::ops::FloatTensorOps;
use burn::tensor::Slice;
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, cubecl};

use super::Filters;
use super::cpu::adam::AdamStep;
use super::cpu::layer::Pool;
use super::cpu::part::Place;
use super::cpu::variation::Neighbours;
use super::engine::{Engine, Size};

/// A quad of channels, or of pixels.
type Quad = cubecl::prelude::Vector<f32, cubecl::prelude::Const<4>>;

impl Engine for CubeBackend {
    type Bits = CubeTensor;

    fn shape_of(map: &CubeTensor) -> [usize; 3] {
        map::shape_of(map)
    }

    fn convolve(x: CubeTensor, filters: &Filters, pool: Pool) -> (CubeTensor, CubeTensor) {
        let layer = filters.on_gpu();
        assert_eq!(
            map::shape_of(&x)[0],
            layer.inputs,
            "the layer's input channels"
        );
        let x = match &layer.standard {
            Some(standard) => map::standardised(&x, standard),
            None => map::packed(x),
        };
        launch::forward(&x, layer, pool)
    }

    fn convolve_backward(
        gradient: CubeTensor,
        filters: &Filters,
        pool: Pool,
        bits: &CubeTensor,
        size: Size,
    ) -> CubeTensor {
        launch::backward(&map::packed(gradient), filters.on_gpu(), pool, bits, size)
    }

    fn pool(x: CubeTensor, pool: Pool) -> (CubeTensor, CubeTensor) {
        launch::pool(&map::packed(x), pool)
    }

    fn pool_backward(
        gradient: CubeTensor,
        pool: Pool,
        bits: &CubeTensor,
        size: Size,
    ) -> CubeTensor {
        launch::pool_backward(&map::packed(gradient), pool, bits, size)
    }

    fn part(x: &CubeTensor, place: &Place) -> CubeTensor {
        let [channels, _, _] = map::shape_of(x);
        map::packed(Self::float_slice(x.clone(), &slices(channels, place)))
    }

    fn part_backward(
        gradient: &CubeTensor,
        place: &Place,
        height: usize,
        other: Option<CubeTensor>,
    ) -> CubeTensor {
        let [channels, _, _] = map::shape_of(gradient);
        let slices = slices(channels, place);
        let sum = other.unwrap_or_else(|| map::zeros([channels, height, place.width], gradient));
        let own = Self::float_slice(sum.clone(), &slices);
        Self::float_slice_assign(sum, &slices, Self::float_add(own, gradient.clone()))
    }

    fn gram(x: &CubeTensor, positions: f32) -> CubeTensor {
        launch::gram(&map::packed(x.clone()), positions)
    }

    fn gram_backward(
        gradient: &CubeTensor,
        x: &CubeTensor,
        positions: f32,
        other: Option<CubeTensor>,
    ) -> CubeTensor {
        let (x, other) = (map::packed(x.clone()), other.map(map::packed));
        launch::gram_backward(gradient, &x, positions, other)
    }

    fn sum(x: CubeTensor) -> CubeTensor {
        sums::sum(x)
    }

    fn distance(a: CubeTensor, b: CubeTensor) -> CubeTensor {
        sums::distance(a, b)
    }

    fn distance_and_slope(a: CubeTensor, b: CubeTensor, factor: f32) -> (CubeTensor, CubeTensor) {
        sums::distance_and_slope(a, b, factor)
    }

    fn distance_backward(gradient: CubeTensor, a: CubeTensor, b: CubeTensor) -> CubeTensor {
        sums::distance_backward(gradient, a, b)
    }

    fn variation(x: CubeTensor, pairs: &Neighbours, weights: [f32; 2]) -> CubeTensor {
        variation::variation(x, pairs, weights)
    }

    fn variation_backward(
        gradient: CubeTensor,
        x: CubeTensor,
        pairs: &Neighbours,
        weights: [f32; 2],
    ) -> CubeTensor {
        variation::variation_backward(gradient, x, pairs, weights)
    }

    fn adam(
        x: CubeTensor,
        gradient: CubeTensor,
        moments: [CubeTensor; 2],
        step: AdamStep,
    ) -> [CubeTensor; 3] {
        adam::adam(x, gradient, moments, step)
    }

    fn dots(rows: [CubeTensor; 2], columns: Vec<CubeTensor>) -> CubeTensor {
        dots::dots(rows, columns)
    }

    fn curvature_pair(now: [CubeTensor; 2], before: [CubeTensor; 2]) -> [CubeTensor; 3] {
        curvature_pair::curvature_pair(now, before)
    }

    fn combination(terms: Vec<(f32, CubeTensor)>) -> CubeTensor {
        combination::combination(terms)
    }

    fn zero(shape: [usize; 3], like: &CubeTensor) -> CubeTensor {
        map::seen_as(map::one_zero(like), shape, [0; 3])
    }

    fn is_zero(map: &CubeTensor) -> bool {
        map.meta.strides().iter().all(|&stride| stride == 0)
    }
}

fn slices(channels: usize, place: &Place) -> [Slice; 4] {
    [0..1, 0..channels, place.rows.clone(), place.columns.clone()].map(Slice::from)
}
