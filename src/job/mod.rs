//! What to paint, checked before any work.

mod error;
mod inputs;
pub mod memory;
mod plan;
mod preset;
mod settings;
mod size;

pub use error::JobError;
pub use inputs::{Inputs, Painting};
pub use plan::{InputSizes, Plan, Scale};
pub use preset::Preset;
pub use settings::{Colour, Init, StyleSize};
pub use size::{Size, UnknownSize};

use plan::LARGE;

use crate::arch::{Layer, Model, Padding, Pooling};
use crate::setting::{Listed, SettingError, ranged};
use crate::tiles::{GRID, Sides};
use crate::{loss, optimize};

/// Everything a transfer depends on, except the pictures and the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Which network the losses are measured with. Default: VGG19.
    pub model: Model,
    /// How the network halves its maps. Default: maximum.
    pub pool: Pooling,
    /// What lies beyond the picture's border for the first convolution. Default: zero.
    pub padding: Padding,
    /// What the picture is asked for.
    pub loss: loss::Settings,
    /// How a gradient becomes an update.
    pub optimize: optimize::Settings,
    /// Number of updates at the last scale, 1 or more. Default: 100.
    pub steps: usize,
    /// Number of updates at every coarser scale. Default: half as many as at the last, rounded up:
    /// what they leave undone, the next scale does faster.
    pub steps_per_scale: Option<usize>,
    /// Whether scales above 2048 px get all of these updates: else fewer, so that each costs as much as
    /// one of 2048 px. Default: fewer.
    pub exact_steps: bool,
    /// Size of the result. Default: long side of 512 px.
    pub size: Size,
    /// Size of the style pictures. Default: as the result.
    pub style_size: StyleSize,
    /// Number of coarse-to-fine scales, at least 1. Default: as many as `min_size` leaves room for.
    pub scales: Option<usize>,
    /// Shortest long side of a coarser scale, in pixels, at least 1. Default: 256, or 181 of the only
    /// one, because a single scale knows small strokes alone; from 128, strokes become so large that
    /// little of the photo is left.
    pub min_size: Option<usize>,
    /// Ratio of the sides of one scale and the next, above 1 and up to 16. Default: root of 2.
    pub scale_factor: f64,
    /// What the optimisation starts from. Default: the content picture.
    pub init: Init,
    /// Where the colours come from. Default: the painting.
    pub colour: Colour,
    /// Seed of every random number. Default: 0.
    pub seed: u64,
    /// Sides of the tiles that the picture is painted in, in pixels: the same picture up to rounding,
    /// in the memory of one tile, for more time. Default: none, the picture as a whole.
    pub tile: Sides,
}

impl Default for Job {
    fn default() -> Self {
        Self {
            model: Model::Vgg19,
            pool: Pooling::Max,
            padding: Padding::Zero,
            loss: loss::Settings::default(),
            optimize: optimize::Settings::default(),
            steps: 100,
            steps_per_scale: None,
            exact_steps: false,
            size: Size::Long(512),
            style_size: StyleSize::default(),
            scales: None,
            min_size: None,
            scale_factor: std::f64::consts::SQRT_2,
            init: Init::Content,
            colour: Colour::Style,
            seed: 0,
            tile: Sides::default(),
        }
    }
}

impl Job {
    /// Every setting by its flag's name, as the command line would read it. A picture to start
    /// from is only `a picture`.
    pub fn list(&self) -> Listed {
        let Self {
            model,
            pool,
            padding,
            loss,
            optimize,
            steps,
            steps_per_scale,
            exact_steps,
            size,
            style_size,
            scales,
            min_size,
            scale_factor,
            init,
            colour,
            seed,
            tile,
        } = self;
        let optional = |value: &Option<usize>| value.map_or("default".into(), |v| v.to_string());
        let style_size = match style_size {
            StyleSize::Scale(scale) => ("style-scale", scale.to_string()),
            StyleSize::Own(size) => ("style-size", size.to_string()),
        };
        let mut list = vec![
            ("model", model.to_string()),
            ("pool", pool.to_string()),
            ("padding", padding.to_string()),
            (
                "steps",
                if *exact_steps {
                    steps.to_string()
                } else {
                    format!("{steps}, fewer above {LARGE} px")
                },
            ),
            ("steps-per-scale", optional(steps_per_scale)),
            ("size", size.to_string()),
            style_size,
            ("scales", optional(scales)),
            ("min-size", optional(min_size)),
            ("scale-factor", scale_factor.to_string()),
            ("init", init.name().to_owned()),
            ("color", colour.to_string()),
            ("seed", seed.to_string()),
            ("tile", tile.to_string()),
        ];
        list.extend(loss.list());
        list.extend(optimize.list());
        list
    }

    /// Whether the start is what is asked for: nothing but the content counts, and it is the start.
    fn is_done(&self) -> bool {
        let style = self.loss.beta > 0.0 || self.loss.tv > 0.0;
        !style && self.init == Init::Content
    }

    /// The deepest layer any loss looks at.
    ///
    /// # Errors
    ///
    /// If a layer list is empty, repeats a layer, or names one the model lacks.
    pub fn deepest(&self) -> Result<Layer, SettingError> {
        self.loss.deepest(self.model)
    }

    /// Checks every setting by itself, before any picture is read.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be, by its flag.
    pub fn check(&self) -> Result<(), SettingError> {
        self.loss.check(self.model)?;
        self.optimize.check()?;
        ranged("steps", self.steps, self.steps >= 1, "1 or more")?;
        if let Some(steps) = self.steps_per_scale {
            ranged("steps-per-scale", steps, steps >= 1, "1 or more")?;
        }
        if let Some(side) = self.tile.smallest() {
            ranged("tile", side, side >= GRID, "16 pixels or more")?;
        }
        self.check_sizes()
    }

    fn check_sizes(&self) -> Result<(), SettingError> {
        let sides = "1 to 65535 pixels a side";
        ranged("size", self.size, self.size.is_possible(), sides)?;
        match self.style_size {
            StyleSize::Own(size) => ranged("style-size", size, size.is_possible(), sides)?,
            StyleSize::Scale(s) => {
                ranged("style-scale", s, (0.05..=20.0).contains(&s), "0.05 to 20")?;
            }
        }
        if let Some(scales) = self.scales {
            ranged("scales", scales, scales >= 1, "1 or more")?;
        }
        if let Some(side) = self.min_size {
            ranged("min-size", side, side >= 1, "1 pixel or more")?;
        }
        let factor = self.scale_factor;
        let fine = (1.01..=16.0).contains(&factor);
        ranged("scale-factor", factor, fine, "1.01 to 16")
    }
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
            ("alpha", with(|job| job.loss.alpha = f32::NAN)),
            ("beta", with(|job| job.loss.beta = -1.0)),
            ("tv", with(|job| job.loss.tv = f32::INFINITY)),
            ("lr", with(|job| job.optimize.lr = f32::INFINITY)),
            ("lr", with(|job| job.optimize.lr = 0.0)),
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
            ("min-size", with(|job| job.min_size = Some(0))),
            ("scale-factor", with(|job| job.scale_factor = 1.0)),
            ("scale-factor", with(|job| job.scale_factor = f64::NAN)),
            ("average", with(|job| job.optimize.average = 1.0)),
            ("history", with(|job| job.optimize.history = 0)),
            ("style-layers", with(|job| job.loss.style_layers.clear())),
            (
                "style-layers",
                with(|job| job.loss.style_layers[0].weight = -1.0),
            ),
            (
                "content-layer",
                with(|job| job.loss.content_layers[0].weight = 0.0),
            ),
        ] {
            let error = job.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("--{flag} ")), "{error}");
        }
        let idle = with(|job| (job.loss.alpha, job.loss.beta) = (0.0, 0.0));
        assert_eq!(idle.check(), Err(SettingError::NothingToDo));
    }
}
