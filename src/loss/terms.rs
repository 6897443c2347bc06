use std::collections::BTreeMap;

use burn::tensor::{Tensor, Transaction};

use super::Objective;
use crate::arch::Layer;
use crate::device::DeviceError;

/// The losses of one picture, still on the device.
#[derive(Debug)]
pub struct Terms<'a> {
    pub(super) objective: &'a Objective,
    /// Squared distances without any weight, each in parts that are still to be added up: of the
    /// content layers, of every region of the style layers, and the total variation.
    pub(super) numbers: Vec<Tensor<1>>,
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

impl Terms<'_> {
    /// Reads all numbers from the device in one transfer.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn read(self) -> Result<LossTerms, DeviceError> {
        let all = self.numbers.into_iter();
        let transaction = all.fold(Transaction::default(), Transaction::register);
        let numbers = transaction.try_execute().map_err(DeviceError::compute)?;
        let numbers = numbers.iter().map(|parts| parts.iter::<f64>().sum());
        Ok(self.objective.losses(numbers))
    }
}
