//! What to paint, checked before any work.

mod error;
mod plan;
mod preset;
mod settings;
mod size;

pub use error::JobError;
pub use plan::{InputSizes, Plan, Scale};
pub use preset::Preset;
pub use settings::{Colour, Init, LayerWeight, StyleSize, UnknownLayerWeight, strength};
pub use size::{Size, UnknownSize};

use crate::loss::{Normalisation, StyleLoss};
use crate::optimize::Method;
use crate::vgg::{Layer, Model, Padding, Pooling};

/// Everything a transfer depends on, except the pictures and the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Which network the losses are measured with. Default: VGG19.
    pub model: Model,
    /// How the network halves its maps. Default: maximum.
    pub pool: Pooling,
    /// What lies beyond the picture's border for the first convolution. Default: zero.
    pub padding: Padding,
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
    /// Number of updates at the last scale, 1 or more. Default: 100.
    pub steps: usize,
    /// Number of updates at every coarser scale. Default: as many as at the last.
    pub steps_per_scale: Option<usize>,
    /// Learning rate, above 0; with Adam, the most a pixel value of [0, 1] moves in one step.
    /// Default: 0.02.
    pub lr: f32,
    /// Size of the result. Default: long side of 512 px.
    pub size: Size,
    /// Size of the style pictures. Default: as the result.
    pub style_size: StyleSize,
    /// Number of coarse-to-fine scales, at least 1. Default: as many as `min_size` leaves room for.
    pub scales: Option<usize>,
    /// Shortest long side of a scale, in pixels, at least 1. Default: 256: from 128, strokes become
    /// so large that little of the photo is left.
    pub min_size: usize,
    /// Ratio of the sides of one scale and the next, above 1 and up to 16. Default: root of 2.
    pub scale_factor: f64,
    /// How a gradient becomes an update. Default: Adam.
    pub method: Method,
    /// Updates that L-BFGS remembers, 1 to 100: two pictures each. Default: 10.
    pub history: usize,
    /// Decay of the exponential moving average of the pictures, which is the result: 0 (none) to
    /// below 1. Default: 0.99 for Adam, 0 for the other methods.
    pub average: Option<f32>,
    /// What the optimisation starts from. Default: the content picture.
    pub init: Init,
    /// Where the colours come from. Default: the painting.
    pub colour: Colour,
    /// Seed of every random number. Default: 0.
    pub seed: u64,
}

impl Default for Job {
    fn default() -> Self {
        Self {
            model: Model::Vgg19,
            pool: Pooling::Max,
            padding: Padding::Zero,
            alpha: 1.0,
            beta: 20.0,
            tv: 10.0,
            content_layers: vec![Layer::new(5, 2).into()],
            style_layers: (1..=5).map(|block| Layer::new(block, 1).into()).collect(),
            style_loss: StyleLoss::Gram,
            normalisation: Normalisation::Balanced,
            steps: 100,
            steps_per_scale: None,
            lr: 0.02,
            size: Size::Long(512),
            style_size: StyleSize::default(),
            scales: None,
            min_size: 256,
            scale_factor: std::f64::consts::SQRT_2,
            method: Method::Adam,
            history: 10,
            average: None,
            init: Init::Content,
            colour: Colour::Style,
            seed: 0,
        }
    }
}

impl Job {
    /// Decay of the moving average, with its default for the method.
    pub fn decay(&self) -> f32 {
        let usual = if self.method == Method::Adam {
            0.99
        } else {
            0.0
        };
        self.average.unwrap_or(usual)
    }

    /// Every setting by its flag's name, as the command line would read it. A picture to start
    /// from is only `a picture`.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let layers = |list: &[LayerWeight]| {
            let texts: Vec<_> = list.iter().map(LayerWeight::to_string).collect();
            texts.join(",")
        };
        let (style_flag, style_size) = match self.style_size {
            StyleSize::Scale(scale) => ("style-scale", scale.to_string()),
            StyleSize::Own(size) => ("style-size", size.to_string()),
        };
        let optional = |value: Option<usize>| value.map_or("default".into(), |v| v.to_string());
        vec![
            ("model", self.model.to_string()),
            ("pool", self.pool.to_string()),
            ("padding", self.padding.to_string()),
            ("alpha", self.alpha.to_string()),
            ("beta", self.beta.to_string()),
            ("tv", self.tv.to_string()),
            ("content-layer", layers(&self.content_layers)),
            ("style-layers", layers(&self.style_layers)),
            ("style-loss", self.style_loss.to_string()),
            ("loss", self.normalisation.to_string()),
            ("steps", self.steps.to_string()),
            ("steps-per-scale", optional(self.steps_per_scale)),
            ("lr", self.lr.to_string()),
            ("size", self.size.to_string()),
            (style_flag, style_size),
            ("scales", optional(self.scales)),
            ("min-size", self.min_size.to_string()),
            ("scale-factor", self.scale_factor.to_string()),
            ("optimizer", self.method.to_string()),
            ("history", self.history.to_string()),
            ("average", self.decay().to_string()),
            ("init", self.init.name().to_owned()),
            ("color", self.colour.to_string()),
            ("seed", self.seed.to_string()),
        ]
    }

    /// The deepest layer any loss looks at.
    ///
    /// # Errors
    ///
    /// If a layer list is empty, repeats a layer, or names one the model lacks.
    pub fn deepest(&self) -> Result<Layer, JobError> {
        let content = self.check_layers("content-layer", &self.content_layers)?;
        let style = self.check_layers("style-layers", &self.style_layers)?;
        Ok(content.max(style))
    }

    fn check_layers(&self, flag: &'static str, list: &[LayerWeight]) -> Result<Layer, JobError> {
        let layers: Vec<_> = list.iter().map(|l| l.layer).collect();
        for (k, &layer) in layers.iter().enumerate() {
            if !self.model.has(layer) {
                let model = self.model;
                return Err(JobError::NoSuchLayer { flag, layer, model });
            }
            if layers[..k].contains(&layer) {
                return Err(JobError::Repeated { flag, layer });
            }
        }
        let weight: f32 = list.iter().map(|l| l.weight).sum();
        let fine = list.iter().all(|l| l.weight >= 0.0) && weight > 0.0 && weight.is_finite();
        if !layers.is_empty() {
            within(
                flag,
                weight,
                fine,
                "layers with weights from 0 up, not all 0",
            )?;
        }
        layers.into_iter().max().ok_or(JobError::NoLayers { flag })
    }

    /// Checks every setting by itself, before any picture is read.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be, by its flag.
    pub fn check(&self) -> Result<(), JobError> {
        within("alpha", self.alpha, self.alpha >= 0.0, "a number from 0 up")?;
        within("beta", self.beta, self.beta >= 0.0, "a number from 0 up")?;
        within("tv", self.tv, self.tv >= 0.0, "a number from 0 up")?;
        within("lr", self.lr, self.lr > 0.0, "a number above 0")?;
        let decay = self.decay();
        within(
            "average",
            decay,
            (0.0..1.0).contains(&decay),
            "from 0 to below 1",
        )?;
        if self.alpha == 0.0 && self.beta == 0.0 {
            return Err(JobError::NothingToDo);
        }
        count("steps", self.steps, self.steps >= 1, "1 or more")?;
        if let Some(steps) = self.steps_per_scale {
            count("steps-per-scale", steps, steps >= 1, "1 or more")?;
        }
        self.check_sizes()?;
        let history = (1..=100).contains(&self.history);
        count("history", self.history, history, "1 to 100")?;
        self.deepest().map(drop)
    }

    fn check_sizes(&self) -> Result<(), JobError> {
        let sides = "1 to 65535 pixels a side";
        ranged("size", self.size, self.size.is_possible(), sides)?;
        match self.style_size {
            StyleSize::Own(size) => ranged("style-size", size, size.is_possible(), sides)?,
            StyleSize::Scale(s) => {
                ranged("style-scale", s, (0.05..=20.0).contains(&s), "0.05 to 20")?;
            }
        }
        if let Some(scales) = self.scales {
            count("scales", scales, scales >= 1, "1 or more")?;
        }
        count(
            "min-size",
            self.min_size,
            self.min_size >= 1,
            "1 pixel or more",
        )?;
        let factor = self.scale_factor;
        let fine = (1.01..=16.0).contains(&factor);
        ranged("scale-factor", factor, fine, "1.01 to 16")
    }
}

fn ranged(
    flag: &'static str,
    value: impl std::fmt::Display,
    ok: bool,
    range: &'static str,
) -> Result<(), JobError> {
    if ok {
        return Ok(());
    }
    let value = value.to_string();
    Err(JobError::Range { flag, value, range })
}

fn within(flag: &'static str, value: f32, ok: bool, range: &'static str) -> Result<(), JobError> {
    ranged(flag, value, ok && value.is_finite(), range)
}

fn count(flag: &'static str, value: usize, ok: bool, range: &'static str) -> Result<(), JobError> {
    ranged(flag, value, ok, range)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default job with one change.
    fn with(change: impl FnOnce(&mut Job)) -> Job {
        let mut job = Job::default();
        change(&mut job);
        job
    }

    #[test]
    fn settings_that_cannot_be_are_refused_by_flag() {
        for (flag, job) in [
            ("alpha", with(|job| job.alpha = f32::NAN)),
            ("beta", with(|job| job.beta = -1.0)),
            ("tv", with(|job| job.tv = f32::INFINITY)),
            ("lr", with(|job| job.lr = f32::INFINITY)),
            ("lr", with(|job| job.lr = 0.0)),
            ("steps", with(|job| job.steps = 0)),
            ("steps-per-scale", with(|job| job.steps_per_scale = Some(0))),
            ("size", with(|job| job.size = Size::Long(0))),
            ("size", with(|job| job.size = Size::Area(f64::NAN))),
            (
                "style-size",
                with(|job| job.style_size = StyleSize::Own(Size::Width(70000))),
            ),
            (
                "style-scale",
                with(|job| job.style_size = StyleSize::Scale(0.0)),
            ),
            ("scales", with(|job| job.scales = Some(0))),
            ("min-size", with(|job| job.min_size = 0)),
            ("scale-factor", with(|job| job.scale_factor = 1.0)),
            ("scale-factor", with(|job| job.scale_factor = f64::NAN)),
            ("average", with(|job| job.average = Some(1.0))),
            ("history", with(|job| job.history = 0)),
            ("style-layers", with(|job| job.style_layers.clear())),
            (
                "style-layers",
                with(|job| job.style_layers[0].weight = -1.0),
            ),
            (
                "content-layer",
                with(|job| job.content_layers[0].weight = 0.0),
            ),
        ] {
            let error = job.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("--{flag} ")), "{error}");
        }
        let idle = with(|job| (job.alpha, job.beta) = (0.0, 0.0));
        assert_eq!(idle.check(), Err(JobError::NothingToDo));
    }

    #[test]
    fn a_layer_only_vgg19_has_is_refused_for_vgg16() {
        let layer = Layer::new(5, 4);
        let mut job = with(|job| job.content_layers = vec![layer.into()]);
        assert_eq!(job.deepest(), Ok(layer));
        job.model = Model::Vgg16;
        assert!(matches!(job.deepest(), Err(JobError::NoSuchLayer { .. })));
    }
}
