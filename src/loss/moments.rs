use burn::tensor::{Device, Tensor};

use super::{Guide, StyleLoss};
use crate::kernels::{gram_over, mean, part};
use crate::tiles::{Area, Window};

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
        let Some(guide) = guide else {
            let all = || everywhere(window, &owned.device());
            let mean = wants_mean.then(|| mean(owned.clone(), all()));
            let second = gram_over(owned, (height * width) as f32);
            return Self { second, mean };
        };
        let guided = guide.guided(&owned, &window.owned);
        let mean = wants_mean.then(|| mean(guided.clone(), guide.average(&window.owned)));
        let second = gram_over(guided, guide.squares());
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
    let Area { rows, columns } = &window.owned;
    Tensor::full([rows.len(), columns.len()], value, &device)
}
