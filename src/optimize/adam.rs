use burn::tensor::Tensor;

use crate::kernels::{self, Moments, Rates};

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Adam on the pixels (Kingma and Ba 2015, algorithm 1).
#[derive(Debug)]
pub struct Adam {
    lr: f32,
    memory: Memory,
    step: i32,
}

/// Means of gradients and of their squares.
#[derive(Debug)]
struct Memory {
    /// Where one pass updates everything.
    fused: Moments,
    /// Elsewhere.
    tensors: Option<(Tensor<4>, Tensor<4>)>,
}

impl Adam {
    /// No memory yet, learning rate `lr`.
    pub fn new(lr: f32) -> Self {
        Self {
            lr,
            memory: Memory {
                fused: Moments::default(),
                tensors: None,
            },
            step: 0,
        }
    }

    /// `x` after one step against `gradient`.
    pub fn update(&mut self, x: Tensor<4>, gradient: Tensor<4>) -> Tensor<4> {
        self.step += 1;
        let rates = Rates {
            betas: [BETA1, BETA2],
            rate: self.lr / (1.0 - BETA1.powi(self.step)),
            correction: (1.0 - BETA2.powi(self.step)).sqrt(),
            epsilon: EPSILON,
        };
        match kernels::adam(&x, &gradient, &self.memory.fused, rates) {
            Some(x) => x,
            None => self.composed(x, gradient, rates),
        }
    }

    /// The same in ordinary operations.
    fn composed(&mut self, x: Tensor<4>, gradient: Tensor<4>, rates: Rates) -> Tensor<4> {
        let square = gradient.clone().square().mul_scalar(1.0 - BETA2);
        let scaled = gradient.mul_scalar(1.0 - BETA1);
        let (m, v) = match self.memory.tensors.take() {
            Some((m, v)) => (m.mul_scalar(BETA1) + scaled, v.mul_scalar(BETA2) + square),
            None => (scaled, square),
        };
        let spread = v.clone().sqrt().div_scalar(rates.correction);
        let change = (m.clone() / spread.add_scalar(EPSILON)).mul_scalar(rates.rate);
        self.memory.tensors = Some((m, v));
        x - change
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution};

    #[test]
    fn the_first_step_moves_every_pixel_by_the_learning_rate() {
        let device = Device::flex();
        let x = Tensor::<4>::zeros([1, 1, 1, 2], &device);
        let gradient = Tensor::<4>::from_floats([[[[3.0, -0.01]]]], &device);
        let moved = Adam::new(0.02).update(x, gradient).into_data();
        let values: Vec<f32> = moved.iter::<f32>().collect();
        assert!((values[0] + 0.02).abs() < 1e-6, "{values:?}");
        assert!((values[1] - 0.02).abs() < 1e-6, "{values:?}");
    }

    #[test]
    fn three_steps_agree_with_the_recurrence_in_f64() {
        let device = Device::flex();
        let (lr, gradients) = (0.1_f64, [0.5, -0.2, 0.3]);
        let (mut m, mut v, mut expected) = (0.0, 0.0, 1.0_f64);
        let mut adam = Adam::new(0.1);
        let mut x = Tensor::<4>::ones([1, 1, 1, 1], &device);
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

    #[test]
    fn one_pass_agrees_with_ordinary_operations() {
        let device = Device::flex();
        let shape = [1, 3, 70, 101];
        let noise = || Tensor::<4>::random(shape, Distribution::Uniform(-1.0, 1.0), &device);
        let (mut fused, mut composed) = (Adam::new(0.02), Adam::new(0.02));
        let start = noise();
        let (mut a, mut b) = (start.clone(), start);
        for step in 1..=4 {
            // Strides as a channels-last map has them, too.
            let gradient = if step % 2 == 0 {
                noise()
            } else {
                noise().reshape([1, 70, 101, 3]).permute([0, 3, 1, 2])
            };
            a = fused.update(a, gradient.clone());
            let rates = Rates {
                betas: [BETA1, BETA2],
                rate: 0.02 / (1.0 - BETA1.powi(step)),
                correction: (1.0 - BETA2.powi(step)).sqrt(),
                epsilon: EPSILON,
            };
            b = composed.composed(b, gradient, rates);
        }
        let error: f32 = (a - b).abs().max().into_scalar();
        assert!(error < 1e-6, "{error}");
    }
}
