//! What to paint, checked before any work.

use crate::loss::Normalisation;
use crate::optimize::Method;
use crate::picture::{Picture, fit_long_side};
use crate::vgg::{Layer, Model};

/// Everything a transfer depends on, except the pictures and the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Which network the losses are measured with. Default: VGG19.
    pub model: Model,
    /// Weight of the content loss, 0 or more. Default: 1.
    pub alpha: f32,
    /// Weight of the style loss, 0 or more. Default: 30.
    pub beta: f32,
    /// Number of updates, 1 or more. Default: 300.
    pub steps: usize,
    /// Learning rate, above 0; with Adam, the most a pixel value of [0, 1] moves in one step.
    /// Default: 0.02.
    pub lr: f32,
    /// Long side of the result and of the style picture, in pixels, 1 to 65535. Default: 512.
    pub size: usize,
    /// Layers whose content loss counts. Default: `block5_conv2`.
    pub content_layers: Vec<Layer>,
    /// Layers whose style loss counts. Default: the first of each block.
    pub style_layers: Vec<Layer>,
    /// How the losses are normalised. Default: balanced.
    pub normalisation: Normalisation,
    /// Number of coarse-to-fine scales. Default: 1, the only one there is so far.
    pub scales: usize,
    /// How a gradient becomes an update. Default: Adam.
    pub method: Method,
    /// What the optimisation starts from. Default: the content picture.
    pub init: Init,
    /// Seed of every random number. Default: 0.
    pub seed: u64,
}

/// What the optimisation starts from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Init {
    /// The content picture.
    #[default]
    Content,
    /// The style picture, stretched to the result's size.
    Style,
    /// Uniform noise in [0, 1], from the job's seed.
    Noise,
    /// A picture of your own, stretched to the result's size.
    Picture(Picture),
}

impl Default for Job {
    fn default() -> Self {
        Self {
            model: Model::Vgg19,
            alpha: 1.0,
            beta: 30.0,
            steps: 300,
            lr: 0.02,
            size: 512,
            content_layers: vec![Layer::new(5, 2)],
            style_layers: (1..=5).map(|block| Layer::new(block, 1)).collect(),
            normalisation: Normalisation::Balanced,
            scales: 1,
            method: Method::Adam,
            init: Init::Content,
            seed: 0,
        }
    }
}

/// What a job will do with two pictures: everything that can be known beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Width and height of the result, in pixels.
    pub size: (usize, usize),
    /// Width and height the style picture is resized to, in pixels.
    pub style_size: (usize, usize),
    /// The deepest layer the network has to run to.
    pub deepest: Layer,
}

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum JobError {
    /// A number outside its range. `flag` is the command line's name for it.
    #[error("--{flag} {value} is out of range: it must be {range}")]
    Range {
        /// Name of the setting.
        flag: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        range: &'static str,
    },
    /// No layer for one of the losses.
    #[error("--{flag} names no layer: give at least one, such as block5_conv2")]
    NoLayers {
        /// Name of the setting.
        flag: &'static str,
    },
    /// A layer given twice.
    #[error("--{flag} names {layer} twice: give each layer once")]
    Repeated {
        /// Name of the setting.
        flag: &'static str,
        /// The layer.
        layer: Layer,
    },
    /// A layer that the model lacks.
    #[error("--{flag} {layer}: {model} has no such layer; choose one of {}", list(*.model))]
    NoSuchLayer {
        /// Name of the setting.
        flag: &'static str,
        /// The layer.
        layer: Layer,
        /// The network.
        model: Model,
    },
    /// Both weights are zero, so nothing would change.
    #[error("--alpha and --beta are both 0: at least one loss must count")]
    NothingToDo,
    /// A picture that vanishes before the deepest layer.
    #[error(
        "the {picture} picture becomes {width}x{height}, too small for {deepest}: \
         both sides must be at least {smallest} pixels; raise --size, use a less narrow \
         picture, or choose layers of an earlier block"
    )]
    TooSmall {
        /// `content` or `style`.
        picture: &'static str,
        /// Width after resizing.
        width: usize,
        /// Height after resizing.
        height: usize,
        /// The deepest layer asked for.
        deepest: Layer,
        /// Smallest side that works.
        smallest: usize,
    },
}

fn list(model: Model) -> String {
    let names: Vec<_> = model.layers().map(|l| l.to_string()).collect();
    names.join(", ")
}

impl Job {
    /// The deepest layer any loss looks at.
    ///
    /// # Errors
    ///
    /// If a layer list is empty, repeats a layer, or names one the model lacks.
    pub fn deepest(&self) -> Result<Layer, JobError> {
        let mut deepest = Layer::new(1, 1);
        for (flag, layers) in [
            ("content-layer", &self.content_layers),
            ("style-layers", &self.style_layers),
        ] {
            deepest = deepest.max(self.check_layers(flag, layers)?);
        }
        Ok(deepest)
    }

    fn check_layers(&self, flag: &'static str, layers: &[Layer]) -> Result<Layer, JobError> {
        for (k, &layer) in layers.iter().enumerate() {
            if !self.model.has(layer) {
                let model = self.model;
                return Err(JobError::NoSuchLayer { flag, layer, model });
            }
            if layers[..k].contains(&layer) {
                return Err(JobError::Repeated { flag, layer });
            }
        }
        layers
            .iter()
            .max()
            .copied()
            .ok_or(JobError::NoLayers { flag })
    }

    /// Checks every setting by itself, before any picture is read.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be, by its flag.
    pub fn check(&self) -> Result<(), JobError> {
        within("alpha", self.alpha, self.alpha >= 0.0, "a number from 0 up")?;
        within("beta", self.beta, self.beta >= 0.0, "a number from 0 up")?;
        within("lr", self.lr, self.lr > 0.0, "a number above 0")?;
        if self.alpha == 0.0 && self.beta == 0.0 {
            return Err(JobError::NothingToDo);
        }
        count("steps", self.steps, self.steps >= 1, "1 or more")?;
        let fits = (1..=65535).contains(&self.size);
        count("size", self.size, fits, "1 to 65535 pixels")?;
        count("scales", self.scales, self.scales == 1, "1 for now")?;
        self.deepest().map(drop)
    }

    /// Checks the job against pictures of these sizes (width, height) and says what it will do.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be, or a picture too small for the deepest layer.
    pub fn plan(&self, content: (usize, usize), style: (usize, usize)) -> Result<Plan, JobError> {
        self.check()?;
        let deepest = self.deepest()?;
        let smallest = 1 << deepest.halvings();
        let fitted = |picture, (width, height)| {
            let (width, height) = fit_long_side(width, height, self.size);
            if width.min(height) < smallest {
                return Err(JobError::TooSmall {
                    picture,
                    width,
                    height,
                    deepest,
                    smallest,
                });
            }
            Ok((width, height))
        };
        Ok(Plan {
            size: fitted("content", content)?,
            style_size: fitted("style", style)?,
            deepest,
        })
    }
}

fn within(flag: &'static str, value: f32, ok: bool, range: &'static str) -> Result<(), JobError> {
    if ok && value.is_finite() {
        return Ok(());
    }
    let value = value.to_string();
    Err(JobError::Range { flag, value, range })
}

fn count(flag: &'static str, value: usize, ok: bool, range: &'static str) -> Result<(), JobError> {
    if ok {
        return Ok(());
    }
    let value = value.to_string();
    Err(JobError::Range { flag, value, range })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_job_has_a_plan() {
        let plan = Job::default().plan((1024, 768), (600, 800)).unwrap();
        assert_eq!(plan.size, (512, 384));
        assert_eq!(plan.style_size, (384, 512));
        assert_eq!(plan.deepest, Layer::new(5, 2));
    }

    #[test]
    fn numbers_that_cannot_be_are_refused_by_flag() {
        for (job, flag) in [
            (
                Job {
                    alpha: f32::NAN,
                    ..Job::default()
                },
                "alpha",
            ),
            (
                Job {
                    beta: -1.0,
                    ..Job::default()
                },
                "beta",
            ),
            (
                Job {
                    lr: f32::INFINITY,
                    ..Job::default()
                },
                "lr",
            ),
            (
                Job {
                    lr: 0.0,
                    ..Job::default()
                },
                "lr",
            ),
            (
                Job {
                    steps: 0,
                    ..Job::default()
                },
                "steps",
            ),
            (
                Job {
                    size: 0,
                    ..Job::default()
                },
                "size",
            ),
            (
                Job {
                    scales: 2,
                    ..Job::default()
                },
                "scales",
            ),
            (
                Job {
                    style_layers: vec![],
                    ..Job::default()
                },
                "style-layers",
            ),
        ] {
            let error = job.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("--{flag} ")), "{error}");
        }
        let idle = Job {
            alpha: 0.0,
            beta: 0.0,
            ..Job::default()
        };
        assert_eq!(idle.check(), Err(JobError::NothingToDo));
    }

    #[test]
    fn a_layer_only_vgg19_has_is_refused_for_vgg16() {
        let layer = Layer::new(5, 4);
        let mut job = Job {
            content_layers: vec![layer],
            ..Job::default()
        };
        assert_eq!(job.deepest(), Ok(layer));
        job.model = Model::Vgg16;
        assert!(matches!(job.deepest(), Err(JobError::NoSuchLayer { .. })));
    }

    #[test]
    fn a_picture_too_small_for_the_deepest_layer_is_told_the_smallest_side() {
        let job = Job {
            size: 64,
            ..Job::default()
        };
        let error = job.plan((64, 64), (64, 10)).unwrap_err();
        assert!(error.to_string().contains("at least 16 pixels"), "{error}");
        assert!(job.plan((64, 64), (64, 16)).is_ok());
    }
}
