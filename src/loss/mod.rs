//! What the picture is asked for: the content, style and total loss of Gatys et al. (2016).

mod content;
mod style;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use burn::tensor::{Tensor, Transaction};

pub use content::ContentTarget;
pub use style::StyleTarget;

pub use crate::kernels::gram;

use crate::vgg::{Features, Layer};

/// How the two losses are made comparable across layers and picture sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Normalisation {
    /// Each term is relative to its target's own size, so it has no unit:
    /// content = sum (F - P)^2 / sum P^2, style = sum (G - A)^2 / sum A^2.
    #[default]
    Balanced,
    /// As in the paper: content = 1/2 sum (F - P)^2, style = sum (G - A)^2 / (4 C^2) on Gram
    /// matrices divided by the number of positions.
    Paper,
}

impl Normalisation {
    /// The name used in flags: `balanced` or `paper`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::Paper => "paper",
        }
    }
}

impl fmt::Display for Normalisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Normalisation {
    type Err = UnknownNormalisation;

    fn from_str(s: &str) -> Result<Self, UnknownNormalisation> {
        [Self::Balanced, Self::Paper]
            .into_iter()
            .find(|n| n.name() == s)
            .ok_or_else(|| UnknownNormalisation(s.to_owned()))
    }
}

/// The text names no normalisation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown loss `{0}`: use balanced or paper")]
pub struct UnknownNormalisation(pub String);

/// total = alpha * content + beta * mean over the style layers, against fixed targets.
#[derive(Debug)]
pub struct Objective {
    /// Weight of the content loss.
    pub alpha: f32,
    /// Weight of the style loss.
    pub beta: f32,
    /// What each content layer should be.
    pub content: Vec<ContentTarget>,
    /// What each style layer's Gram matrix should be.
    pub style: Vec<StyleTarget>,
}

/// The losses of one picture, still on the device, each of shape `[1]` and unweighted except
/// `total`.
#[derive(Debug)]
pub struct Terms {
    content: Tensor<1>,
    style: Vec<(Layer, Tensor<1>)>,
    /// What is minimised.
    pub total: Tensor<1>,
}

/// The losses of one picture as numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct LossTerms {
    /// Content loss, unweighted.
    pub content: f32,
    /// Style loss of each layer, unweighted.
    pub layers: BTreeMap<Layer, f32>,
    /// Mean of the style losses, unweighted.
    pub style: f32,
    /// alpha * content + beta * style.
    pub total: f32,
}

impl Objective {
    /// Every layer the losses look at.
    pub fn layers(&self) -> Vec<Layer> {
        let content = self.content.iter().map(ContentTarget::layer);
        let style = self.style.iter().map(StyleTarget::layer);
        content.chain(style).collect()
    }

    /// The losses of the features of one picture.
    ///
    /// # Panics
    ///
    /// If `features` lacks one of [`Objective::layers`], or there is no layer at all.
    pub fn terms(&self, mut features: Features) -> Terms {
        let content = mean(self.content.iter().map(|t| t.loss(&features[&t.layer()])));
        let style: Vec<_> = self
            .style
            .iter()
            .map(|t| (t.layer(), t.loss(&features[&t.layer()])))
            .collect();
        features.clear();
        let total = content.clone().mul_scalar(self.alpha)
            + mean(style.iter().map(|(_, loss)| loss.clone())).mul_scalar(self.beta);
        Terms {
            content,
            style,
            total,
        }
    }
}

impl Terms {
    /// Reads all numbers from the device in one transfer.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn read(self) -> Result<LossTerms, crate::Error> {
        let mut transaction = Transaction::default()
            .register(self.content.inner())
            .register(self.total.inner());
        let mut names = Vec::with_capacity(self.style.len());
        for (layer, loss) in self.style {
            names.push(layer);
            transaction = transaction.register(loss.inner());
        }
        let numbers: Vec<f32> = transaction
            .try_execute()
            .map_err(crate::Error::device)?
            .iter()
            .flat_map(|data| data.iter::<f32>())
            .collect();
        let layers: BTreeMap<_, _> = names
            .into_iter()
            .zip(numbers[2..].iter().copied())
            .collect();
        Ok(LossTerms {
            content: numbers[0],
            total: numbers[1],
            style: layers.values().sum::<f32>() / layers.len() as f32,
            layers,
        })
    }
}

/// The mean of scalars.
fn mean(losses: impl Iterator<Item = Tensor<1>>) -> Tensor<1> {
    let all: Vec<_> = losses.collect();
    let count = all.len() as f32;
    all.into_iter()
        .reduce(|a, b| a + b)
        .expect("Job::plan refuses a job without layers")
        .div_scalar(count)
}
