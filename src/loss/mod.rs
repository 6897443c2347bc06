//! What the picture is asked for: the content, style and total loss of Gatys et al. (2016).

mod content;
mod style;

use std::collections::BTreeMap;

use burn::tensor::{Tensor, Transaction};

pub use content::ContentTarget;
pub use style::StyleTarget;

pub use crate::kernels::gram;

use crate::job::{Job, LayerWeight};
use crate::named::named;
use crate::picture::Mask;
use crate::vgg::{Features, Layer, Vgg};

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

named!(Normalisation, "loss": Balanced = "balanced", Paper = "paper");

/// What is compared between the picture and the painting at a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StyleLoss {
    /// Gram matrices (Gatys et al. 2016).
    #[default]
    Gram,
    /// Mean and covariance of the features, by the squared Wasserstein-2 distance of the Gaussians
    /// that have them.
    Wasserstein,
}

named!(StyleLoss, "style loss": Gram = "gram", Wasserstein = "wasserstein");

/// total = alpha * content + beta * style + tv * total variation, against fixed targets.
#[derive(Debug)]
pub struct Objective {
    alpha: f32,
    beta: f32,
    content: Vec<ContentTarget>,
    style: Vec<StyleTarget>,
}

/// A style picture on the device and where it counts.
#[derive(Clone, Debug)]
pub struct StyleSource {
    /// `[1, 3, height, width]`, sRGB in [0, 1].
    pub image: Tensor<4>,
    /// Its share among the sources of the same region, above 0.
    pub weight: f32,
    /// Where in the content picture it counts: everywhere if none.
    pub content_mask: Option<Mask>,
    /// The part of the style picture that counts: all of it if none.
    pub style_mask: Option<Mask>,
}

impl From<Tensor<4>> for StyleSource {
    fn from(image: Tensor<4>) -> Self {
        Self {
            image,
            weight: 1.0,
            content_mask: None,
            style_mask: None,
        }
    }
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
    /// Computes every target once: the content picture is `[1, 3, height, width]`, sRGB in [0, 1].
    pub fn new(job: &Job, content: &Tensor<4>, styles: &[StyleSource], vgg: &Vgg) -> Self {
        let kind = job.normalisation;
        let layers = |list: &[LayerWeight]| list.iter().map(|l| l.layer).collect::<Vec<_>>();
        let content = vgg.features(content.clone(), &layers(&job.content_layers));
        let style = vgg.features(styles[0].image.clone(), &layers(&job.style_layers));
        Self {
            alpha: job.alpha,
            beta: job.beta,
            content: content
                .into_iter()
                .map(|(layer, features)| ContentTarget::new(layer, features, kind))
                .collect(),
            style: style
                .iter()
                .map(|(&layer, features)| StyleTarget::new(layer, features, kind))
                .collect(),
        }
    }

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
