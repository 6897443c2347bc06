//! What a kind of device offers: the operations and their gradients on its own tensors.

use std::fmt::Debug;

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use super::Filters;
use super::account::Origin;
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

    /// The Gram matrix of a map, `[channels, channels]`, divided by this number of positions.
    fn gram(x: &FloatTensor<Self>, positions: f32) -> FloatTensor<Self>;

    /// The gradient of the map whose Gram matrix has this gradient, added to another if there is
    /// one.
    fn gram_backward(
        gradient: &FloatTensor<Self>,
        x: &FloatTensor<Self>,
        positions: f32,
        other: Option<FloatTensor<Self>>,
    ) -> FloatTensor<Self>;

    /// Whether a layer's map is made anew for the gradient of its Gram matrix instead of being kept: where
    /// that costs little, and the map is the largest of all.
    fn remakes(_: &Filters, _: Pool) -> bool {
        false
    }

    /// The gradient of the map that such a layer made of a picture and whose Gram matrix has this gradient,
    /// added to another if there is one. Asked for only where [`remakes`](Self::remakes) says so.
    fn gram_backward_remade(
        gradient: &FloatTensor<Self>,
        Origin { picture, filters }: &Origin<Self>,
        positions: f32,
        other: Option<FloatTensor<Self>>,
    ) -> FloatTensor<Self> {
        let (map, _) = Self::convolve(picture.clone(), filters, Pool::None);
        Self::gram_backward(gradient, &map, positions, other)
    }

    /// The sum of a tensor of any shape, `[1]`, always added in the same order.
    fn sum(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The sum of squares of `a - b`, tensors of any shape, in parts that are still to be added up: as many
    /// whatever the shape, and always the same.
    fn distance(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The gradient of `a`, for a gradient of each part of its distance from `b`, the same for all.
    fn distance_backward(
        gradient: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// The distance in parts, and `factor` times its gradient of `a`.
    fn distance_and_slope(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        factor: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// The sum of a picture's squared differences between neighbours, those of either kind times its
    /// weight, in parts like those of a distance.
    fn variation(x: FloatTensor<Self>, pairs: &Neighbours, weights: [f32; 2]) -> FloatTensor<Self>;

    /// The gradient of the picture, for a gradient of each part of that sum, the same for all.
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

    /// The gradient at a picture without what would push a pixel out of [0, 1], and how far the picture
    /// and this gradient are from those before, which come as such a pair.
    fn curvature_pair(
        now: [FloatTensor<Self>; 2],
        before: [FloatTensor<Self>; 2],
    ) -> [FloatTensor<Self>; 3];

    /// The sum of maps of one shape, each times its factor: clamped to [0, 1].
    fn combination(terms: Vec<(f32, FloatTensor<Self>)>) -> FloatTensor<Self>;

    /// A map of zeros that is one number in memory, on the device of `like`.
    fn zero(shape: [usize; 3], like: &FloatTensor<Self>) -> FloatTensor<Self>;

    /// Whether a map is one of [`zero`](Self::zero).
    fn is_zero(map: &FloatTensor<Self>) -> bool;
}
