//! Fast kernels for the networks: convolutions with constant filters, pools and Gram matrices,
//! forward and backward.
//!
//! [`Filters`], [`conv_relu`], [`pool`] and [`gram`] work on tensors of every backend. On flex and
//! on graphics cards they run the kernels of this module; elsewhere they compose ordinary operations.

mod account;
mod cpu;
mod engine;
mod flex;
#[cfg(feature = "gpu")]
mod gpu;
mod ops;
mod pictures;
mod plain;
mod storage;
mod weighing;

#[cfg(test)]
mod tensor_tests;

use std::ops::Range;
use std::sync::Arc;

use burn::backend::{Dispatch, DispatchDevice};
use burn::tensor::{Device, Tensor, s};

use cpu::layer::FusedLayer;
use ops::Kernels;
use weighing::Weighing;

pub use cpu::adam::AdamStep;
pub use cpu::layer::Pool;
pub use cpu::part::Place;
pub use cpu::simd::Isa;
pub use cpu::standardisation::Standardisation;
pub use cpu::variation::Neighbours;
pub use cpu::{peak, phase};
#[cfg(feature = "gpu")]
pub use gpu::watch as card;
pub use pictures::{combination, curvature_pair, distance_and_slope, dots, sum};

/// Constant filters and bias of a 3x3 convolution, prepared for a device.
#[derive(Clone, Debug)]
pub struct Filters(Form);

#[derive(Clone, Debug)]
enum Form {
    Cpu(Arc<FusedLayer>),
    #[cfg(feature = "gpu")]
    Gpu(Arc<gpu::layer::Layer>),
    Plain(Box<plain::Layer>),
}

impl Filters {
    /// Prepares `weight`, of `[outputs, inputs, 3, 3]` numbers, and one `bias` for each output.
    ///
    /// # Panics
    ///
    /// If there are not `outputs * inputs * 9` weights.
    pub fn new(weight: &[f32], bias: &[f32], device: &Device) -> Self {
        let inputs = weight.len() / (9 * bias.len()).max(1);
        assert_eq!(weight.len(), bias.len() * inputs * 9, "filters of 3x3");
        Self(match Home::of(device) {
            Home::Cpu => Form::Cpu(Arc::new(FusedLayer::new(weight, bias, inputs))),
            #[cfg(feature = "gpu")]
            Home::Gpu(client) => {
                let layer = gpu::layer::Layer::new(weight, bias, inputs, &client);
                Form::Gpu(Arc::new(layer))
            }
            Home::Elsewhere => {
                let none = Standardisation::none(inputs);
                Form::Plain(Box::new(plain::Layer::new(weight, bias, &none, device)))
            }
        })
    }

    /// The same for a first layer, which takes its one to three inputs to a standard before its zero
    /// padding.
    ///
    /// # Panics
    ///
    /// If there are not `outputs * inputs * 9` weights, or more inputs.
    pub fn standardised(
        weight: &[f32],
        bias: &[f32],
        input: &Standardisation,
        device: &Device,
    ) -> Self {
        let inputs = input.mean.len();
        assert!((1..=3).contains(&inputs), "inputs of a picture");
        assert_eq!(weight.len(), bias.len() * inputs * 9, "filters of 3x3");
        Self(match Home::of(device) {
            Home::Cpu => {
                let (isa, input) = (Isa::chosen(), input.clone());
                Form::Cpu(Arc::new(FusedLayer::standardised(isa, weight, bias, input)))
            }
            #[cfg(feature = "gpu")]
            Home::Gpu(client) => {
                let layer = gpu::layer::Layer::standardised(weight, bias, input, &client);
                Form::Gpu(Arc::new(layer))
            }
            Home::Elsewhere => {
                Form::Plain(Box::new(plain::Layer::new(weight, bias, input, device)))
            }
        })
    }

    /// As the CPU's kernels want them. Panics if they were prepared for another device.
    fn on_cpu(&self) -> &FusedLayer {
        match &self.0 {
            Form::Cpu(layer) => layer,
            _ => panic!("these filters are on another device"),
        }
    }

    /// As a graphics card's kernels want them. Panics if they were prepared for another device.
    #[cfg(feature = "gpu")]
    fn on_gpu(&self) -> &gpu::layer::Layer {
        match &self.0 {
            Form::Gpu(layer) => layer,
            _ => panic!("these filters are on another device"),
        }
    }
}

/// Where a device's kernels are.
enum Home {
    Cpu,
    #[cfg(feature = "gpu")]
    Gpu(burn_cubecl::cubecl::client::Client),
    /// Not in this module.
    Elsewhere,
}

impl Home {
    fn of(device: &Device) -> Self {
        match device.clone().without_autodiff().as_dispatch() {
            DispatchDevice::Flex(_) => Self::Cpu,
            #[cfg(feature = "gpu")]
            DispatchDevice::Cube(card) => Self::Gpu(card.client()),
            _ => Self::Elsewhere,
        }
    }
}

/// Whether the kernels of this module run on a device.
fn is_ours(device: &Device) -> bool {
    !matches!(Home::of(device), Home::Elsewhere)
}

/// The 3x3 same convolution of `x`, `[1, inputs, height, width]`, with bias, `ReLU` and pool.
///
/// The gradient is that of `x` alone.
///
/// # Panics
///
/// If `x` has other channels than the filters, is on another backend, or is not one picture's.
pub fn conv_relu(x: Tensor<4>, filters: &Filters, pool_after: Pool) -> Tensor<4> {
    match &filters.0 {
        Form::Plain(layer) => layer.forward(x, pool_after),
        _ => Tensor::from_dispatch(<Dispatch as Kernels>::conv_relu(
            x.into_dispatch(),
            filters.clone(),
            pool_after,
        )),
    }
}

/// The 2x2 pool, stride 2, of a map `[1, channels, height, width]` without negative values, such
/// as [`conv_relu`] gives. Odd last rows and columns are dropped.
pub fn pool(x: Tensor<4>, kind: Pool) -> Tensor<4> {
    if kind != Pool::None && is_ours(&x.device()) {
        return Tensor::from_dispatch(<Dispatch as Kernels>::pool(x.into_dispatch(), kind));
    }
    plain::pool(x, kind)
}

/// A part of a map `[1, channels, height, width]`.
///
/// # Panics
///
/// If the map has no such rows or columns.
pub fn part(x: Tensor<4>, rows: Range<usize>, columns: Range<usize>) -> Tensor<4> {
    if !is_ours(&x.device()) {
        return x.slice(s![.., .., rows, columns]);
    }
    let [_, _, height, width] = x.dims();
    assert!(rows.end <= height && columns.end <= width, "a part of it");
    let place = Place {
        width,
        rows,
        columns,
    };
    Tensor::from_dispatch(<Dispatch as Kernels>::part(x.into_dispatch(), place))
}

/// The Gram matrix `F Fᵀ / M` of `x`, `[1, channels, height, width]`, seen as a matrix F of
/// channels by M = height * width pixels: `[channels, channels]`.
pub fn gram(x: Tensor<4>) -> Tensor<2> {
    let [_, _, height, width] = x.dims();
    gram_over(x, (height * width) as f32)
}

/// The same over another number of `positions` M: those of a map that `x` is a part of.
pub fn gram_over(x: Tensor<4>, positions: f32) -> Tensor<2> {
    if is_ours(&x.device()) {
        return Tensor::from_dispatch(<Dispatch as Kernels>::gram(x.into_dispatch(), positions));
    }
    let [_, channels, height, width] = x.dims();
    let matrix = x.reshape([channels, height * width]);
    let square = matrix.clone().matmul(matrix.transpose());
    square.div_scalar(positions)
}

/// A map `[1, channels, height, width]`, each position times its constant number of `[height, width]`.
///
/// # Panics
///
/// If there is not a number for each position.
pub fn weighted(x: Tensor<4>, weights: Tensor<2>) -> Tensor<4> {
    assert_eq!(x.dims()[2..], weights.dims(), "a number for each position");
    if !matches!(Home::of(&x.device()), Home::Cpu) {
        return plain::weighted(x, weights);
    }
    let (x, weights) = (x.into_dispatch(), weights.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Weighing>::weighted(x, weights))
}

/// The sum over the positions of a map `[1, channels, height, width]`, each times its constant weight of
/// `[height, width]`: `[1, channels]`. Exact to a few float32 digits over any number of positions.
///
/// # Panics
///
/// If there is not a weight for each position.
pub fn mean(x: Tensor<4>, weights: Tensor<2>) -> Tensor<2> {
    assert_eq!(x.dims()[2..], weights.dims(), "a weight for each position");
    if !matches!(Home::of(&x.device()), Home::Cpu) {
        return plain::mean(x, weights);
    }
    let (x, weights) = (x.into_dispatch(), weights.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Weighing>::mean(x, weights))
}

/// A picture `[1, channels, height, width]` and its two moments of the same shape after a step of
/// Adam against a gradient.
pub fn adam(
    x: Tensor<4>,
    gradient: Tensor<4>,
    [first, second]: [Tensor<4>; 2],
    step: AdamStep,
) -> (Tensor<4>, [Tensor<4>; 2]) {
    if is_ours(&x.device()) {
        let (moved, first, second) = <Dispatch as Kernels>::adam(
            x.into_dispatch(),
            gradient.into_dispatch(),
            first.into_dispatch(),
            second.into_dispatch(),
            step,
        );
        let moments = [first, second].map(Tensor::from_dispatch);
        return (Tensor::from_dispatch(moved), moments);
    }
    plain::adam(x, gradient, [first, second], step)
}

/// The sum of the squared differences between neighbours in a picture `[1, channels, height, width]`,
/// those on the right and those below times their `weights`, in parts that are still to be added up. Whatever
/// the picture, there are as many, and their gradients have to be one number.
///
/// # Panics
///
/// If a neighbour lies outside.
pub fn variation(x: Tensor<4>, pairs: Neighbours, weights: [f32; 2]) -> Tensor<1> {
    let [_, _, height, width] = x.dims();
    let Neighbours { across, down } = &pairs;
    assert!(
        across.rows.end <= height && across.columns.end < width.max(1),
        "a pixel on the right"
    );
    assert!(
        down.rows.end < height.max(1) && down.columns.end <= width,
        "a pixel below"
    );
    if is_ours(&x.device()) {
        let x = x.into_dispatch();
        return Tensor::from_dispatch(<Dispatch as Kernels>::variation(x, pairs, weights));
    }
    plain::variation(&x, &pairs, weights)
}

/// The sum of squares of `x - constant`, in parts like those of [`variation`]. The gradient is that of `x`
/// alone.
///
/// # Panics
///
/// If the shapes differ.
pub fn squared_distance<const D: usize>(x: Tensor<D>, constant: Tensor<D>) -> Tensor<1> {
    assert_eq!(x.dims(), constant.dims(), "one shape");
    if is_ours(&x.device()) {
        let (x, constant) = (x.into_dispatch(), constant.into_dispatch());
        return Tensor::from_dispatch(<Dispatch as Kernels>::distance(x, constant));
    }
    (x - constant).square().sum()
}

/// The number `root`, `[1]`, for a backward pass that begins there: it gives `x` the gradient `slope`,
/// of `x`'s shape or, where `x` are the parts of a sum, of one number, beside what `root` gives to others.
///
/// So a graph goes on from gradients that are known without one.
pub fn seeded<const D: usize>(root: Tensor<1>, x: Tensor<D>, slope: Tensor<D>) -> Tensor<1> {
    if is_ours(&x.device()) {
        let [root, x, slope] = [
            root.into_dispatch(),
            x.into_dispatch(),
            slope.into_dispatch(),
        ];
        return Tensor::from_dispatch(<Dispatch as Kernels>::seeded(root, x, slope));
    }
    root + (x * slope).sum()
}
