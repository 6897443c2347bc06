use super::LayerWeight;
use crate::arch::{Layer, Model};
use crate::named::named;
use crate::setting::{Listed, SettingError, finite};

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

/// What the picture is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Weight of the content loss, 0 or more. Default: 1.
    pub alpha: f32,
    /// Weight of the style loss, 0 or more. Default: 20.
    pub beta: f32,
    /// Weight of the total variation, 0 or more: 10 takes away the hatching of single pixels.
    /// Default: 10.
    pub tv: f32,
    /// Layers whose content loss counts, with weights. Default: `block5_conv2`.
    pub content_layers: Vec<LayerWeight>,
    /// Layers whose style loss counts, with weights. Default: the first of each block, equally.
    pub style_layers: Vec<LayerWeight>,
    /// What is compared between the picture and the painting. Default: Gram matrices.
    pub style_loss: StyleLoss,
    /// How the losses are normalised. Default: balanced.
    pub normalisation: Normalisation,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            alpha: 1.0,
            beta: 20.0,
            tv: 10.0,
            content_layers: vec![Layer::new(5, 2).into()],
            style_layers: (1..=5).map(|block| Layer::new(block, 1).into()).collect(),
            style_loss: StyleLoss::Gram,
            normalisation: Normalisation::Balanced,
        }
    }
}

impl Settings {
    /// Every setting by its flag's name.
    pub fn list(&self) -> Listed {
        let Self {
            alpha,
            beta,
            tv,
            content_layers,
            style_layers,
            style_loss,
            normalisation,
        } = self;
        let layers = |list: &[LayerWeight]| {
            let texts: Vec<_> = list.iter().map(LayerWeight::to_string).collect();
            texts.join(",")
        };
        vec![
            ("alpha", alpha.to_string()),
            ("beta", beta.to_string()),
            ("tv", tv.to_string()),
            ("content-layer", layers(content_layers)),
            ("style-layers", layers(style_layers)),
            ("style-loss", style_loss.to_string()),
            ("loss", normalisation.to_string()),
        ]
    }

    /// Checks every setting against the network that the losses are measured with.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be, by its flag.
    pub fn check(&self, model: Model) -> Result<(), SettingError> {
        for (flag, value) in [("alpha", self.alpha), ("beta", self.beta), ("tv", self.tv)] {
            finite(flag, value, value >= 0.0, "a number from 0 up")?;
        }
        if self.alpha == 0.0 && self.beta == 0.0 {
            return Err(SettingError::NothingToDo);
        }
        self.deepest(model).map(drop)
    }

    /// The deepest layer that any loss looks at.
    ///
    /// # Errors
    ///
    /// If a layer list is empty, repeats a layer, or names one the model lacks.
    pub fn deepest(&self, model: Model) -> Result<Layer, SettingError> {
        let content = deepest_of("content-layer", &self.content_layers, model)?;
        let style = deepest_of("style-layers", &self.style_layers, model)?;
        Ok(content.max(style))
    }
}

fn deepest_of(
    flag: &'static str,
    list: &[LayerWeight],
    model: Model,
) -> Result<Layer, SettingError> {
    let layers: Vec<_> = list.iter().map(|l| l.layer).collect();
    for (k, &layer) in layers.iter().enumerate() {
        if !model.has(layer) {
            return Err(SettingError::NoSuchLayer { flag, layer, model });
        }
        if layers[..k].contains(&layer) {
            return Err(SettingError::Repeated { flag, layer });
        }
    }
    let deepest = layers
        .into_iter()
        .max()
        .ok_or(SettingError::NoLayers { flag })?;
    let sum: f32 = list.iter().map(|l| l.weight).sum();
    let fine = list.iter().all(|l| l.weight >= 0.0) && sum > 0.0;
    let range = "layers with weights from 0 up, not all 0";
    finite(flag, sum, fine, range)?;
    Ok(deepest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_only_vgg19_has_is_refused_for_vgg16() {
        let layer = Layer::new(5, 4);
        let settings = Settings {
            content_layers: vec![layer.into()],
            ..Settings::default()
        };
        assert_eq!(settings.deepest(Model::Vgg19), Ok(layer));
        let error = settings.deepest(Model::Vgg16).unwrap_err();
        assert!(matches!(error, SettingError::NoSuchLayer { .. }));
    }
}
