use burn::tensor::Tensor;

use crate::kernels::{self, AdamStep};

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Adam on the pixels (Kingma and Ba 2015, algorithm 1).
#[derive(Clone, Debug)]
pub struct Adam {
    /// Learning rate.
    pub lr: f32,
    /// First and second moment, after the first step.
    pub moments: Option<(Tensor<4>, Tensor<4>)>,
    /// Steps done.
    pub step: i32,
}

impl Adam {
    /// No memory yet, learning rate `lr`.
    pub fn new(lr: f32) -> Self {
        Self {
            lr,
            moments: None,
            step: 0,
        }
    }

    /// Changes both moments, each by its own rule.
    pub fn map_moments(
        &mut self,
        first: impl FnOnce(Tensor<4>) -> Tensor<4>,
        second: impl FnOnce(Tensor<4>) -> Tensor<4>,
    ) {
        self.moments = self.moments.take().map(|(m, v)| (first(m), second(v)));
    }

    /// `x` after one step against `gradient`, in [0, 1].
    pub fn update(&mut self, x: Tensor<4>, gradient: Tensor<4>) -> Tensor<4> {
        self.step += 1;
        let step = AdamStep {
            betas: [BETA1, BETA2],
            rate: self.lr / (1.0 - BETA1.powi(self.step)),
            correction: (1.0 - BETA2.powi(self.step)).sqrt(),
            epsilon: EPSILON,
        };
        let nothing = || (gradient.zeros_like(), gradient.zeros_like());
        let (m, v) = self.moments.take().unwrap_or_else(nothing);
        let (moved, [m, v]) = kernels::adam(x, gradient, [m, v], step);
        self.moments = Some((m, v));
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn the_first_step_moves_every_pixel_by_the_learning_rate() {
        let device = Device::flex();
        let x = Tensor::<4>::full([1, 1, 1, 2], 0.5, &device);
        let gradient = Tensor::<4>::from_floats([[[[3.0, -0.01]]]], &device);
        let moved = Adam::new(0.02).update(x, gradient).into_data();
        let values: Vec<f32> = moved.iter::<f32>().collect();
        assert!((values[0] - 0.48).abs() < 1e-6, "{values:?}");
        assert!((values[1] - 0.52).abs() < 1e-6, "{values:?}");
    }

    #[test]
    fn three_steps_agree_with_the_recurrence_in_f64() {
        let device = Device::flex();
        let (lr, gradients) = (0.1_f64, [0.5, -0.2, 0.3]);
        let (mut m, mut v, mut expected) = (0.0, 0.0, 0.5_f64);
        let mut adam = Adam::new(0.1);
        let mut x = Tensor::<4>::full([1, 1, 1, 1], 0.5, &device);
        for (k, g) in (1..).zip(gradients) {
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (mh, vh) = (m / (1.0 - 0.9_f64.powi(k)), v / (1.0 - 0.999_f64.powi(k)));
            expected -= lr * mh / (vh.sqrt() + 1e-8);
            x = adam.update(x, Tensor::full([1, 1, 1, 1], g, &device));
        }
        let found: f32 = x.into_scalar();
        assert!((f64::from(found) - expected).abs() < 1e-5);
    }
}
