use burn::tensor::Tensor;

use super::Normalisation;
use crate::kernels::gram;
use crate::vgg::Layer;

/// The Gram matrix of the style picture at one layer.
#[derive(Debug)]
pub struct StyleTarget {
    layer: Layer,
    gram: Tensor<2>,
    factor: f32,
}

impl StyleTarget {
    /// Keeps the Gram matrix of the style picture's features `[1, channels, height, width]`,
    /// without autodiff. The style picture may have any size.
    pub fn new(layer: Layer, features: &Tensor<4>, normalisation: Normalisation) -> Self {
        let gram = gram(features.clone());
        let factor = match normalisation {
            Normalisation::Balanced => per_size(gram.clone()),
            Normalisation::Paper => 0.25 / (layer.outputs() * layer.outputs()) as f32,
        };
        Self {
            layer,
            gram,
            factor,
        }
    }

    /// The layer it belongs to.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// The style loss of features with as many channels.
    pub fn loss(&self, features: &Tensor<4>) -> Tensor<1> {
        (gram(features.clone()) - self.gram.clone())
            .square()
            .sum()
            .mul_scalar(self.factor)
    }
}

/// 1 / sum of squares, or 1 where everything is zero (a black picture has no features to be
/// relative to).
pub(super) fn per_size<const D: usize>(target: Tensor<D>) -> f32 {
    let size: f32 = target.square().sum().into_scalar();
    if size > 0.0 { size.recip() } else { 1.0 }
}
