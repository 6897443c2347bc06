//! What a kind of device offers: the operations and their gradients on its own tensors.

use std::fmt::Debug;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;

use super::Filters;
use super::cpu::adam::AdamStep;
use super::cpu::layer::Pool;
use super::cpu::part::Place;
use super::cpu::variation::Neighbours;

/// Height and width.
pub type Size = [usize; 2];

/// Operations on maps `[1, channels, height, width]`, and the gradients of their inputs.
pub trait Engine: Backend {
    /// What a layer keeps for its gradient: one bit for each activation.
    type Bits: Clone + Debug + Send + Sync + 'static;

    /// Channels, height and width of a map. Panics unless it is one picture's, in f32.
    fn shape_of(map: &FloatTensor<Self>) -> [usize; 3];

    /// The convolution, bias, `ReLU` and pool of a map. Panics if the filters are another device's
    /// or for other channels.
    fn convolve(
        x: FloatTensor<Self>,
        filters: &Filters,
        pool: Pool,
    ) -> (FloatTensor<Self>, Self::Bits);

    /// The gradient of the convolution's input of this size.
    fn convolve_backward(
        gradient: FloatTensor<Self>,
        filters: &Filters,
        pool: Pool,
        bits: &Self::Bits,
        size: Size,
    ) -> FloatTensor<Self>;

    /// The pool of a map without negative values.
    fn pool(x: FloatTensor<Self>, pool: Pool) -> (FloatTensor<Self>, Self::Bits);

    /// The gradient of a pool's input of this size.
    fn pool_backward(
        gradient: FloatTensor<Self>,
        pool: Pool,
        bits: &Self::Bits,
        size: Size,
    ) -> FloatTensor<Self>;

    /// A part of a map.
    fn part(x: &FloatTensor<Self>, place: &Place) -> FloatTensor<Self>;

    /// The gradient of a map of this height whose part has this gradient, added to another if
    /// there is one.
    fn part_backward(
        gradient: &FloatTensor<Self>,
        place: &Place,
        height: usize,
        other: Option<FloatTensor<Self>>,
    ) -> FloatTensor<Self>;

    /// The Gram matrix of a map, `[channels, channels]`, divided by the number of pixels.
    fn gram(x: &FloatTensor<Self>) -> FloatTensor<Self>;

    /// The gradient of the map whose Gram matrix has this gradient, added to another if there is
    /// one.
    fn gram_backward(
        gradient: &FloatTensor<Self>,
        x: &FloatTensor<Self>,
        other: Option<FloatTensor<Self>>,
    ) -> FloatTensor<Self>;

    /// The sum of a tensor of any shape, `[1]`, always added in the same order.
    fn sum(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The sum of squares of `a - b`, tensors of any shape: `[1]`, always added in the same order.
    fn distance(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let off = Self::float_sub(a, b);
        Self::sum(Self::float_mul(off.clone(), off))
    }

    /// The gradient of `a`, for a gradient `[1]` of its distance from `b`.
    fn distance_backward(
        gradient: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let shape = Shape::from(vec![1; a.shape().num_dims()]);
        let twice = Self::float_mul_scalar(Self::float_reshape(gradient, shape), 2.0_f32.into());
        Self::float_mul(Self::float_sub(a, b), twice)
    }

    /// The sum of squares of `a - b`, in parts that are still to be added up, and `factor` times its
    /// gradient of `a`.
    fn distance_and_slope(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        factor: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let off = Self::float_sub(a, b);
        let slope = Self::float_mul_scalar(off.clone(), (2.0 * factor).into());
        (Self::sum(Self::float_mul(off.clone(), off)), slope)
    }

    /// The sum of a picture's squared differences between neighbours, those of either kind times its
    /// weight: `[1]`, always added in the same order.
    fn variation(x: FloatTensor<Self>, pairs: &Neighbours, weights: [f32; 2]) -> FloatTensor<Self>;

    /// The gradient of the picture, for a gradient `[1]` of that sum.
    fn variation_backward(
        gradient: FloatTensor<Self>,
        x: FloatTensor<Self>,
        pairs: &Neighbours,
        weights: [f32; 2],
    ) -> FloatTensor<Self>;

    /// A picture and its moments after a step of Adam, of one shape.
    fn adam(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        moments: [FloatTensor<Self>; 2],
        step: AdamStep,
    ) -> [FloatTensor<Self>; 3];

    /// The scalar products of each column with both rows, maps of one shape: `[columns, 2]`, always
    /// added in the same order.
    fn dots(rows: [FloatTensor<Self>; 2], columns: Vec<FloatTensor<Self>>) -> FloatTensor<Self>;

    /// The sum of maps of one shape, each times its factor: clamped to [0, 1].
    fn combination(terms: Vec<(f32, FloatTensor<Self>)>) -> FloatTensor<Self>;

    /// A map of zeros that is one number in memory, on the device of `like`.
    fn zero(shape: [usize; 3], like: &FloatTensor<Self>) -> FloatTensor<Self>;

    /// Whether a map is one of [`zero`](Self::zero).
    fn is_zero(map: &FloatTensor<Self>) -> bool;
}
