use std::collections::BTreeMap;

use burn::tensor::{Tensor, Transaction};

use crate::arch::Layer;
use crate::device::DeviceError;

/// The losses of one picture, still on the device, each of shape `[1]` and unweighted except
/// `total`.
#[derive(Debug)]
pub struct Terms {
    pub(super) content: Tensor<1>,
    pub(super) tv: Tensor<1>,
    /// With the weight of each.
    pub(super) style: Vec<(Layer, f32, Tensor<1>)>,
    /// What is minimised.
    pub total: Tensor<1>,
}

/// The losses of one picture as numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct LossTerms {
    /// Content loss, the mean of the layers' by their weights.
    pub content: f32,
    /// Style loss of each layer, unweighted.
    pub layers: BTreeMap<Layer, f32>,
    /// Style loss, the mean of the layers' by their weights.
    pub style: f32,
    /// Total variation, unweighted.
    pub tv: f32,
    /// alpha * content + beta * style + tv * total variation.
    pub total: f32,
}

impl Terms {
    /// Reads all numbers from the device in one transfer.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn read(self) -> Result<LossTerms, DeviceError> {
        let mut transaction = Transaction::default()
            .register(self.content.inner())
            .register(self.total.inner())
            .register(self.tv.inner());
        let mut names = Vec::with_capacity(self.style.len());
        for (layer, weight, loss) in self.style {
            names.push((layer, weight));
            transaction = transaction.register(loss.inner());
        }
        let numbers: Vec<f32> = transaction
            .try_execute()
            .map_err(DeviceError::compute)?
            .iter()
            .flat_map(|data| data.iter::<f32>())
            .collect();
        let losses = &numbers[3..];
        let weighted = names.iter().zip(losses).map(|((_, w), loss)| w * loss);
        let weights: f32 = names.iter().map(|(_, weight)| weight).sum();
        Ok(LossTerms {
            content: numbers[0],
            total: numbers[1],
            tv: numbers[2],
            style: weighted.sum::<f32>() / weights,
            layers: names
                .iter()
                .map(|&(layer, _)| layer)
                .zip(losses.iter().copied())
                .collect(),
        })
    }
}
