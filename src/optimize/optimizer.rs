use burn::tensor::Tensor;
use burn::tensor::ops::InterpolateMode;

use super::state::resampled;
use super::{Adam, Lbfgs, Settings};
use crate::named::named;

/// How a gradient becomes an update of the pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Adam (Kingma and Ba 2015) with betas 0.9 and 0.999, epsilon 1e-8.
    Adam,
    /// L-BFGS with backtracking: no learning rate, and a loss that never rises.
    #[default]
    Lbfgs,
    /// Plain gradient descent: x - lr * gradient.
    GradientDescent,
}

named!(Method, "optimizer": Adam = "adam", Lbfgs = "lbfgs", GradientDescent = "gd");

/// A method together with what it remembers between steps.
#[derive(Clone, Debug)]
pub enum Optimizer {
    /// See [`Adam`].
    Adam(Box<Adam>),
    /// See [`Lbfgs`].
    Lbfgs(Box<Lbfgs>),
    /// Plain gradient descent.
    GradientDescent {
        /// Learning rate.
        lr: f32,
    },
}

impl Optimizer {
    /// The method of the settings, without any memory.
    pub fn new(settings: &Settings) -> Self {
        match settings.method {
            Method::Adam => Self::Adam(Box::new(Adam::new(settings.lr))),
            Method::Lbfgs => Self::Lbfgs(Box::new(Lbfgs::new(settings.history))),
            Method::GradientDescent => Self::GradientDescent { lr: settings.lr },
        }
    }

    /// The picture after `x`, in [0, 1], given the loss and gradient at `x`.
    pub fn update(&mut self, x: Tensor<4>, gradient: Tensor<4>, total: f32) -> Tensor<4> {
        match self {
            Self::Adam(adam) => adam.update(x, gradient),
            Self::Lbfgs(lbfgs) => lbfgs.update(x, &gradient, total),
            Self::GradientDescent { lr } => (x - gradient.mul_scalar(*lr)).clamp(0.0, 1.0),
        }
    }

    /// The best picture known: L-BFGS's last accepted one, or the last one, `x`.
    pub fn settled(&self, x: &Tensor<4>) -> Tensor<4> {
        match self {
            Self::Lbfgs(lbfgs) => lbfgs.accepted().unwrap_or(x).clone(),
            _ => x.clone(),
        }
    }

    /// Carries the memory to pictures of `[height, width]`. The second moment goes up
    /// bilinearly, because a bicubic filter would make it negative beside edges.
    pub fn enlarge(&mut self, size: [usize; 2]) {
        match self {
            Self::Adam(adam) => adam.map_moments(
                |m| resampled(m, size, InterpolateMode::Bicubic),
                |v| resampled(v, size, InterpolateMode::Bilinear),
            ),
            Self::Lbfgs(lbfgs) => lbfgs.forget(),
            Self::GradientDescent { .. } => {}
        }
    }

    /// Halves every step from now on.
    pub fn halve(&mut self) {
        match self {
            Self::Adam(adam) => adam.lr *= 0.5,
            Self::Lbfgs(lbfgs) => lbfgs.halve(),
            Self::GradientDescent { lr } => *lr *= 0.5,
        }
    }
}
