use burn::tensor::{Tensor, TensorData};

use super::Moments;
use super::matrix::{Matrix, inner};
use super::transport::transport;
use crate::device::read;

/// Rounding of moments in float32, as a part of the sum of squared features.
const ROUNDING: f64 = 4e-6;

/// A normal distribution of features.
///
/// The squared Wasserstein-2 distance of two of them (Dowson and Landau 1982) is
/// |m₁ - m₂|² + tr (C₁ + C₂ - 2 (C₂^½ C₁ C₂^½)^½) = |m₁ - m₂|² + tr (C₁ + C₂ - 2 T C₁), with the
/// matrix T that carries C₁ to C₂. Its gradient in C₁ is 1 - T, so nothing has to be derived
/// through the iterations that find T.
///
/// Covariances are handled in float64 on the CPU: their product has the square of their condition.
/// A ridge is added to both, because maps with fewer positions than channels, and flat ones, have
/// singular ones: 1e-4 times the mean of the target's squared features, but no less than the
/// rounding of the moments, which would make an eigenvalue negative.
#[derive(Debug)]
pub struct Gaussian {
    mean: Vec<f64>,
    covariance: Matrix,
    ridge: f64,
    /// |mean|² + trace of the covariance: the squared distance to features that are all zero.
    size: f64,
}

impl Gaussian {
    /// The distribution with these moments, without autodiff: second `[channels, channels]`, mean
    /// `[1, channels]`.
    pub fn new(second: Tensor<2>, mean: Tensor<2>) -> Self {
        let channels = mean.dims()[1] as f64;
        let (second, mean) = (Matrix::new(on_host(second)), on_host(mean));
        let size = second.trace();
        let ridge = 1e-4 * if size > 0.0 { size / channels } else { 1.0 };
        Self {
            covariance: second.minus_square(&mean),
            mean,
            ridge: ridge.max(ROUNDING * size),
            size,
        }
    }

    /// The squared distance to features that are all zero.
    pub fn size(&self) -> f32 {
        self.size as f32
    }

    /// The squared distance to features with these moments, `[1]`, and its gradient times `weight`.
    ///
    /// # Panics
    ///
    /// If the moments have no mean.
    pub fn distance(&self, moments: Moments, weight: f32) -> (Tensor<1>, Moments) {
        let mean = moments.mean.expect("the moments for this loss");
        let device = mean.device();
        let mean = on_host(mean);
        let off: Vec<_> = mean.iter().zip(&self.mean).map(|(m, t)| m - t).collect();
        let (value, slope) = self.of_covariances(Matrix::new(on_host(moments.second)), &mean);
        let value = value + inner(&off, &off);
        // The covariance is second - meanᵀ mean, and the slope is symmetric.
        let carried = slope.after(&mean).into_iter();
        let of_mean: Vec<_> = off
            .iter()
            .zip(carried)
            .map(|(o, c)| 2.0 * (o - c))
            .collect();
        let weighted = |slopes: &[f64]| {
            let weighted = slopes
                .iter()
                .map(|slope| (slope * f64::from(weight)) as f32);
            let shape = [slopes.len() / mean.len(), mean.len()];
            Tensor::from_data(TensorData::new(weighted.collect(), shape), &device)
        };
        let slopes = Moments {
            second: weighted(slope.values()),
            mean: Some(weighted(&of_mean)),
        };
        (Tensor::from_floats([value as f32], &device), slopes)
    }

    /// The part of the covariances, and its gradient in the covariance of these moments.
    fn of_covariances(&self, second: Matrix, mean: &[f64]) -> (f64, Matrix) {
        let ridge = self.ridge.max(ROUNDING * second.trace());
        let from = second.minus_square(mean).plus_identity(ridge);
        let to = self.covariance.clone().plus_identity(ridge);
        let carry = transport(&from, &to, ridge);
        let value = from.trace() + to.trace() - 2.0 * carry.inner(&from);
        // A clamp leaves NaN as it is, which the loop must hear of.
        let slope = carry.map(|x| -x).plus_identity(1.0);
        (value.clamp(0.0, f64::INFINITY), slope)
    }
}

fn on_host(x: Tensor<2>) -> Vec<f64> {
    read(x).iter().collect()
}

#[cfg(test)]
mod tests;
