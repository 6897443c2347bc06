use burn::tensor::{Device, Tensor};

use super::{Guide, StyleLoss};
use crate::kernels::gram;

/// Statistics of a feature map that do not say where anything is.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Mean of the products of two channels, `[channels, channels]`: the Gram matrix over its
    /// number of positions.
    pub second: Tensor<2>,
    /// Mean of each channel, `[1, channels]`, where the loss asks for it.
    pub mean: Option<Tensor<2>>,
}

impl Moments {
    /// The moments of features `[1, channels, height, width]` that `loss` compares.
    ///
    /// In a region a position counts by the square of the guide g: second = sum g² f fᵀ / sum g²,
    /// so that a soft edge is no weaker than its share and the region's size does not matter.
    pub fn of(features: &Tensor<4>, guide: Option<&Guide>, loss: StyleLoss) -> Self {
        let wants_mean = loss == StyleLoss::Wasserstein;
        let Some(guide) = guide else {
            let mean = wants_mean.then(|| {
                let all = everywhere(features);
                all.matmul(by_position(features.clone()))
            });
            let second = gram(features.clone());
            return Self { second, mean };
        };
        let guided = guide.guided(features);
        let mean = wants_mean.then(|| guide.average().matmul(by_position(guided.clone())));
        let second = gram(guided).mul_scalar(guide.rarity());
        Self { second, mean }
    }

    /// These moments times a share.
    pub fn scaled(self, share: f32) -> Self {
        Self {
            second: self.second.mul_scalar(share),
            mean: self.mean.map(|mean| mean.mul_scalar(share)),
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

/// What takes a map, pixel by pixel, to its mean.
fn everywhere(features: &Tensor<4>) -> Tensor<2> {
    let [_, _, height, width] = features.dims();
    let count = height * width;
    let device: Device = features.device().without_autodiff();
    Tensor::full([1, count], 1.0 / count as f32, &device)
}

/// A map as a matrix of positions by channels.
fn by_position(features: Tensor<4>) -> Tensor<2> {
    let [_, channels, height, width] = features.dims();
    features
        .permute([0, 2, 3, 1])
        .reshape([height * width, channels])
}
