//! The loop: one gradient of the losses with respect to the pixels, one update, again.

mod adam;

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;
use std::time::Instant;

use burn::tensor::Tensor;

pub use adam::Adam;

use crate::Error;
use crate::loss::{LossTerms, Objective};
use crate::vgg::{Layer, Vgg};

/// How a gradient becomes an update of the pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Adam (Kingma and Ba 2015) with betas 0.9 and 0.999, epsilon 1e-8.
    #[default]
    Adam,
    /// Plain gradient descent: x - lr * gradient.
    GradientDescent,
}

impl Method {
    /// Every method, in the order they are listed to people.
    pub const ALL: [Self; 2] = [Self::Adam, Self::GradientDescent];

    /// The name used in flags: `adam` or `gd`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adam => "adam",
            Self::GradientDescent => "gd",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(s: &str) -> Result<Self, UnknownMethod> {
        Self::ALL
            .into_iter()
            .find(|m| m.name() == s)
            .ok_or_else(|| UnknownMethod(s.to_owned()))
    }
}

/// The text names no optimiser.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown optimizer `{0}`: use adam or gd")]
pub struct UnknownMethod(pub String);

/// A method together with what it remembers between steps.
#[derive(Debug)]
enum Optimizer {
    Adam(Box<Adam>),
    GradientDescent { lr: f32 },
}

impl Optimizer {
    fn new(method: Method, lr: f32) -> Self {
        match method {
            Method::Adam => Self::Adam(Box::new(Adam::new(lr))),
            Method::GradientDescent => Self::GradientDescent { lr },
        }
    }

    fn update(&mut self, x: Tensor<4>, gradient: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Adam(adam) => adam.update(x, gradient),
            Self::GradientDescent { lr } => x - gradient.mul_scalar(*lr),
        }
    }
}

/// The settings of one run of the loop.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The coarse-to-fine scale, from 1.
    pub scale: usize,
    /// Number of updates.
    pub steps: usize,
    /// Which optimiser.
    pub method: Method,
    /// Learning rate, in pixel values of [0, 1] per step for Adam.
    pub lr: f32,
}

/// One update of the picture, as an observer sees it.
#[derive(Debug)]
pub struct Step<'a> {
    /// The coarse-to-fine scale, from 1.
    pub scale: usize,
    /// The step within the scale, from 1.
    pub step: usize,
    /// The losses before this update.
    pub terms: LossTerms,
    /// How long this step took.
    pub seconds: f64,
    /// The picture after this update, `[1, 3, height, width]` in [0, 1].
    pub image: &'a Tensor<4>,
}

/// Optimises the pixels `x`, `[1, 3, height, width]` in [0, 1], clamping after every update.
///
/// `observe` is told of every step and may end the loop; the picture so far is then the result.
///
/// # Errors
///
/// If the device fails, or the loss stops being a number.
pub fn optimize(
    vgg: &Vgg,
    objective: &Objective,
    mut x: Tensor<4>,
    run: Run,
    observe: &mut dyn FnMut(&Step<'_>) -> ControlFlow<()>,
) -> Result<Tensor<4>, Error> {
    let layers = objective.layers();
    let mut optimizer = Optimizer::new(run.method, run.lr);
    for step in 1..=run.steps {
        let start = Instant::now();
        let (terms, gradient) = losses_and_gradient(vgg, objective, &layers, x.clone())?;
        if !terms.total.is_finite() {
            return Err(Error::Diverged { step });
        }
        x = optimizer.update(x, gradient).clamp(0.0, 1.0);
        x.device().sync().map_err(Error::device)?;
        let event = Step {
            scale: run.scale,
            step,
            terms,
            seconds: start.elapsed().as_secs_f64(),
            image: &x,
        };
        if observe(&event).is_break() {
            break;
        }
    }
    Ok(x)
}

/// The losses at `x` and the gradient of their total with respect to its pixels, of `x`'s shape.
///
/// # Errors
///
/// If the device fails.
pub fn losses_and_gradient(
    vgg: &Vgg,
    objective: &Objective,
    layers: &[Layer],
    x: Tensor<4>,
) -> Result<(LossTerms, Tensor<4>), Error> {
    let x = x.autodiff().require_grad();
    let terms = objective.terms(vgg.features(x.clone(), layers));
    let mut gradients = terms.total.backward();
    let gradient = x
        .grad_remove(&mut gradients)
        .ok_or_else(|| Error::device("no gradient reached the picture"))?;
    Ok((terms.read()?, gradient))
}
