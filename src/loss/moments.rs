use burn::tensor::{Device, Tensor, s};

use super::{Guide, StyleLoss};
use crate::kernels::gram;
use crate::tiles::Window;

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
                all.matmul(by_position(owned.clone()))
            });
            let second = times(gram(owned), share);
            return Self { second, mean };
        };
        let guided = guide.guided(&owned, &window.owned);
        let mean = wants_mean.then(|| {
            let average = guide.average(&window.owned);
            average.matmul(by_position(guided.clone()))
        });
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
    let [rows, columns] = [window.inside.rows.clone(), window.inside.columns.clone()];
    features.clone().slice(s![.., .., rows, columns])
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

/// A map as a matrix of positions by channels.
fn by_position(features: Tensor<4>) -> Tensor<2> {
    let [_, channels, height, width] = features.dims();
    features
        .permute([0, 2, 3, 1])
        .reshape([height * width, channels])
}
