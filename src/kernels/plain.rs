//! The same by burn's ordinary operations, for backends without kernels of ours, and to test them against.

use burn::tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData, activation, s};

use super::pictures::Picture;
use super::{AdamStep, Neighbours, Place, Pool, Standardisation};

/// Numbers that one sum in float32 may have.
const RUN: usize = 64;

/// A layer of constant filters.
#[derive(Clone, Debug)]
pub struct Layer {
    weight: Tensor<4>,
    bias: Tensor<1>,
    /// Of the input, `[1, inputs, 1, 1]`.
    mean: Tensor<4>,
    scale: Tensor<4>,
}

impl Layer {
    /// Takes `weight` in the order output, input, row, column.
    pub fn new(weight: &[f32], bias: &[f32], input: &Standardisation, device: &Device) -> Self {
        let device = device.clone().without_autodiff();
        let row = |numbers: &[f32]| {
            let shape = [1, numbers.len(), 1, 1];
            Tensor::from_data(TensorData::new(numbers.to_vec(), shape), &device)
        };
        let shape = [bias.len(), input.mean.len(), 3, 3];
        Self {
            weight: Tensor::from_data(TensorData::new(weight.to_vec(), shape), &device),
            bias: Tensor::from_floats(bias, &device),
            mean: row(&input.mean),
            scale: row(&input.scale),
        }
    }

    /// The convolution with all that goes with it.
    pub fn forward(&self, x: Tensor<4>, after: Pool) -> Tensor<4> {
        let x = (x - self.mean.clone()) * self.scale.clone();
        let same = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        let y = conv2d(x, self.weight.clone(), Some(self.bias.clone()), same);
        pool(activation::relu(y), after)
    }
}

pub fn pool(x: Tensor<4>, kind: Pool) -> Tensor<4> {
    match kind {
        Pool::None => x,
        Pool::Max => max_pool2d(x, MaxPoolOptions::new([2, 2])),
        Pool::Average => avg_pool2d(x, AvgPoolOptions::new([2, 2])),
    }
}

pub fn adam(
    x: Tensor<4>,
    gradient: Tensor<4>,
    [first, second]: [Tensor<4>; 2],
    step: AdamStep,
) -> (Tensor<4>, [Tensor<4>; 2]) {
    let [beta1, beta2] = step.betas;
    let first = first.mul_scalar(beta1) + gradient.clone().mul_scalar(1.0 - beta1);
    let second = second.mul_scalar(beta2) + gradient.square().mul_scalar(1.0 - beta2);
    let spread = second.clone().sqrt().div_scalar(step.correction);
    let change = (first.clone() / spread.add_scalar(step.epsilon)).mul_scalar(step.rate);
    ((x - change).clamp(0.0, 1.0), [first, second])
}

pub fn variation(x: &Tensor<4>, pairs: &Neighbours, weights: [f32; 2]) -> Tensor<1> {
    let kinds = [(&pairs.across, [0, 1]), (&pairs.down, [1, 0])];
    let [across, down] = kinds.map(|(Place { rows, columns, .. }, [down, right])| {
        let first = x.clone().slice(s![.., .., rows.clone(), columns.clone()]);
        let [rows, columns] =
            [(rows, down), (columns, right)].map(|(r, by)| r.start + by..r.end + by);
        (x.clone().slice(s![.., .., rows, columns]) - first)
            .square()
            .sum()
    });
    across.mul_scalar(weights[0]) + down.mul_scalar(weights[1])
}

pub fn dots(rows: [Picture; 2], columns: &[Picture]) -> Tensor<2> {
    let pairs = columns.iter().map(|column| {
        let pair = rows.map(|row| (row.clone() * (*column).clone()).sum());
        Tensor::cat(pair.into(), 0).reshape([1, 2])
    });
    Tensor::cat(pairs.collect(), 0)
}

pub fn curvature_pair(now: [Picture; 2], before: [Picture; 2]) -> [Tensor<4>; 3] {
    let [x, gradient] = now.map(Clone::clone);
    let whole_step = (x.clone() - gradient.clone().sign()).clamp(0.0, 1.0);
    let projected = gradient.mask_fill(whole_step.equal(x.clone()), 0.0);
    let [s, y] = [x - before[0].clone(), projected.clone() - before[1].clone()];
    [projected, s, y]
}

pub fn combination(terms: &[(f32, Picture)]) -> Tensor<4> {
    let terms = terms.iter().map(|(f, x)| (*x).clone().mul_scalar(*f));
    let sum = terms.reduce(|a, b| a + b);
    sum.expect("a term at least").clamp(0.0, 1.0)
}

pub fn weighted(x: Tensor<4>, weights: Tensor<2>) -> Tensor<4> {
    let [height, width] = weights.dims();
    x * weights.reshape([1, 1, height, width])
}

/// The sum over a map's positions, each times its weight.
///
/// One sum of all positions in float32 would be off by a hundredth for a flat map of a megapixel,
/// and its covariance by as much. So the sum goes run by run, and the plain one, which is linear
/// too, only carries the gradient.
pub fn mean(x: Tensor<4>, weights: Tensor<2>) -> Tensor<2> {
    let [_, channels, height, width] = x.dims();
    let weights = weights.reshape([1, height * width]);
    let rows = x.permute([0, 2, 3, 1]).reshape([height * width, channels]);
    let exact = sum_of_runs(weights.clone(), rows.clone().inner());
    let plain = weights.matmul(rows);
    plain.clone() - plain.detach() + exact
}

/// `weights` times `rows`, without autodiff, by sums of [`RUN`] numbers and sums of such sums.
fn sum_of_runs(weights: Tensor<2>, rows: Tensor<2>) -> Tensor<2> {
    let [count, channels] = rows.dims();
    if count <= RUN {
        return weights.matmul(rows);
    }
    let runs = count / RUN;
    let whole = runs * RUN;
    let left = weights.clone().slice(s![.., ..whole]);
    let right = rows.clone().slice(s![..whole, ..]);
    let sums = left
        .reshape([runs, 1, RUN])
        .matmul(right.reshape([runs, RUN, channels]));
    let mut sums = vec![sums.reshape([runs, channels])];
    if whole < count {
        sums.push(
            weights
                .slice(s![.., whole..])
                .matmul(rows.slice(s![whole.., ..])),
        );
    }
    let sums = Tensor::cat(sums, 0);
    let ones = Tensor::ones([1, sums.dims()[0]], &sums.device());
    sum_of_runs(ones, sums)
}
