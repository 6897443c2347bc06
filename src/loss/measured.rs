use burn::tensor::Tensor;

use super::Moments;
use crate::kernels::seeded;

/// What the losses look at, of a tile or of a whole picture: that of a picture is the sum over its
/// tiles. Or the gradients of the total with respect to it.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Squared distance of each content layer's features from its target.
    pub(super) content: Vec<Tensor<1>>,
    /// Moments of each region of each style layer.
    pub(super) style: Vec<Vec<Moments>>,
    /// Total variation.
    pub(super) tv: Tensor<1>,
}

impl Measured {
    /// The sum of what two tiles measure.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let content = self.content.into_iter().zip(other.content);
        let regions = |(a, b): (Vec<Moments>, Vec<Moments>)| {
            a.into_iter().zip(b).map(|(a, b)| a.plus(b)).collect()
        };
        Self {
            content: content.map(|(a, b)| a + b).collect(),
            style: self
                .style
                .into_iter()
                .zip(other.style)
                .map(regions)
                .collect(),
            tv: self.tv + other.tv,
        }
    }

    /// A number to begin a backward pass with, which gives what is measured these gradients.
    pub fn along(&self, slopes: &Self) -> Tensor<1> {
        let mut root = Tensor::from_floats([0.0], &self.tv.device());
        root = seeded(root, self.tv.clone(), slopes.tv.clone());
        for (x, slope) in self.content.iter().zip(&slopes.content) {
            root = seeded(root, x.clone(), slope.clone());
        }
        let mine = self.style.iter().flatten();
        for (x, slope) in mine.zip(slopes.style.iter().flatten()) {
            root = seeded(root, x.second.clone(), slope.second.clone());
            if let Some((x, slope)) = x.mean.clone().zip(slope.mean.clone()) {
                root = seeded(root, x, slope);
            }
        }
        root
    }
}
