use burn::tensor::{Tensor, s};

use super::Normalisation;
use super::moments::owned;
use crate::arch::Layer;
use crate::kernels::squared_distance;
use crate::tiles::{Area, Window};

/// The feature map of the content picture at one layer.
#[derive(Debug)]
pub struct ContentTarget {
    layer: Layer,
    features: Tensor<4>,
    factor: f32,
    blank: f32,
}

impl ContentTarget {
    /// Keeps the content picture's features `[1, channels, height, width]`, without autodiff.
    pub fn new(layer: Layer, features: Tensor<4>, normalisation: Normalisation) -> Self {
        let size = super::style::size(features.clone());
        let factor = match normalisation {
            Normalisation::Balanced => super::style::per_size(size),
            Normalisation::Paper => 0.5,
        };
        Self {
            layer,
            features,
            factor,
            blank: factor * size,
        }
    }

    /// The layer it belongs to.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// What takes a squared distance to a content loss.
    pub fn factor(&self) -> f32 {
        self.factor
    }

    /// The content loss of features that are all zero.
    pub fn blank(&self) -> f32 {
        self.blank
    }

    /// What a tile adds to the squared distance, from its features.
    pub fn distance(&self, features: &Tensor<4>, window: &Window) -> Tensor<1> {
        let Area { rows, columns } = window.owned.clone();
        let target = self.features.clone().slice(s![.., .., rows, columns]);
        squared_distance(owned(features, window), target)
    }
}
