use burn::tensor::{Device, Tensor, s};

use super::{Guide, StyleLoss};
use crate::kernels::{gram, part};
use crate::tiles::{Area, Window};

/// Numbers that one sum in float32 may have.
const RUN: usize = 64;

/// Statistics of a feature map that do not say where anything is. Those of a picture are the sum of
/// those of its tiles.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Mean of the products of two channels, `[channels, channels]`: the Gram matrix over its
    /// number of positions.
    pub second: Tensor<2>,
    /// Mean of each channel, `[1, channels]`, where the loss asks for it.
    pub mean: Option<Tensor<2>>,
}

impl Moments {
    /// What a tile adds to the moments that `loss` compares, from its features
    /// `[1, channels, height, width]`.
    ///
    /// In a region a position counts by the square of the guide g: second = sum g² f fᵀ / sum g²,
    /// so that a soft edge is no weaker than its share and the region's size does not matter.
    pub fn of(
        features: &Tensor<4>,
        window: &Window,
        guide: Option<&Guide>,
        loss: StyleLoss,
    ) -> Self {
        let wants_mean = loss == StyleLoss::Wasserstein;
        let owned = owned(features, window);
        let [height, width] = window.map;
        let share = window.owned.count() as f32 / (height * width) as f32;
        let Some(guide) = guide else {
            let mean = wants_mean.then(|| {
                let all = everywhere(window, &owned.device());
                mean(all, owned.clone())
            });
            let second = times(gram(owned), share);
            return Self { second, mean };
        };
        let guided = guide.guided(&owned, &window.owned);
        let mean = wants_mean.then(|| mean(guide.average(&window.owned), guided.clone()));
        let second = gram(guided).mul_scalar(guide.rarity() * share);
        Self { second, mean }
    }

    /// These moments times a share.
    pub fn scaled(self, share: f32) -> Self {
        Self {
            second: times(self.second, share),
            mean: self.mean.map(|mean| times(mean, share)),
        }
    }

    /// The same without autodiff.
    pub fn inner(self) -> Self {
        Self {
            second: self.second.inner(),
            mean: self.mean.map(Tensor::inner),
        }
    }

    /// The sum of two moments of the same kind.
    pub fn plus(self, other: Self) -> Self {
        Self {
            second: self.second + other.second,
            mean: self.mean.zip(other.mean).map(|(a, b)| a + b),
        }
    }
}

/// What a tile owns of a layer's features.
pub fn owned(features: &Tensor<4>, window: &Window) -> Tensor<4> {
    if window.is_whole {
        return features.clone();
    }
    let Area { rows, columns } = window.inside.clone();
    part(features.clone(), rows, columns)
}

/// A product that a factor of 1 leaves out.
fn times<const D: usize>(x: Tensor<D>, factor: f32) -> Tensor<D> {
    if factor.to_bits() == 1.0_f32.to_bits() {
        x
    } else {
        x.mul_scalar(factor)
    }
}

/// What takes the own part of a map, pixel by pixel, to its part of the map's mean.
fn everywhere(window: &Window, device: &Device) -> Tensor<2> {
    let [height, width] = window.map;
    let value = 1.0 / (height * width) as f32;
    let device = device.clone().without_autodiff();
    Tensor::full([1, window.owned.count()], value, &device)
}

/// The mean of each channel, `[1, channels]`, by the weights of the positions, `[1, positions]`.
///
/// One sum of all positions in float32 would be off by a hundredth for a flat map of a megapixel,
/// and its covariance by as much. So the sum goes run by run, and the plain one, which is linear
/// too, only carries the gradient.
fn mean(weights: Tensor<2>, features: Tensor<4>) -> Tensor<2> {
    let [_, channels, height, width] = features.dims();
    let rows = features
        .permute([0, 2, 3, 1])
        .reshape([height * width, channels]);
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
