use burn::tensor::{DType, Device, Tensor};

use super::Moments;
use super::transport::{identity, inner, trace, transport};
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
    /// `[1, channels]`, float64 on the CPU as the covariance.
    mean: Tensor<2>,
    covariance: Tensor<2>,
    ridge: f64,
    /// |mean|² + trace of the covariance: the squared distance to features that are all zero.
    size: f64,
}

impl Gaussian {
    /// The distribution with these moments, without autodiff: second `[channels, channels]`, mean
    /// `[1, channels]`.
    pub fn new(second: Tensor<2>, mean: Tensor<2>) -> Self {
        let channels = mean.dims()[1] as f64;
        let (second, mean) = (on_host(second), on_host(mean));
        let size = trace(&second);
        let ridge = 1e-4 * if size > 0.0 { size / channels } else { 1.0 };
        Self {
            covariance: covariance(second, &mean),
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
        let off = mean.clone() - self.mean.clone();
        let (value, slope) = self.of_covariances(on_host(moments.second), &mean);
        let value = value + inner(&off, &off);
        // The covariance is second - meanᵀ mean, and the slope is symmetric.
        let of_mean = (off - mean.matmul(slope.clone())).mul_scalar(2.0);
        let weighted = |slope: Tensor<2>| on_device(slope.mul_scalar(f64::from(weight)), &device);
        let slopes = Moments {
            second: weighted(slope),
            mean: Some(weighted(of_mean)),
        };
        (Tensor::from_floats([value as f32], &device), slopes)
    }

    /// The part of the covariances, and its gradient in the covariance of these moments.
    fn of_covariances(&self, second: Tensor<2>, mean: &Tensor<2>) -> (f64, Tensor<2>) {
        let channels = mean.dims()[1];
        let ridge = self.ridge.max(ROUNDING * trace(&second));
        let from = with_ridge(covariance(second, mean), ridge);
        let to = with_ridge(self.covariance.clone(), ridge);
        let carry = transport(&from, &to, ridge);
        let value = trace(&from) + trace(&to) - 2.0 * inner(&carry, &from);
        // A clamp leaves NaN as it is, which the loop must hear of.
        (value.clamp(0.0, f64::INFINITY), identity(channels) - carry)
    }
}

fn covariance(second: Tensor<2>, mean: &Tensor<2>) -> Tensor<2> {
    second - mean.clone().transpose().matmul(mean.clone())
}

fn with_ridge(covariance: Tensor<2>, ridge: f64) -> Tensor<2> {
    let channels = covariance.dims()[0];
    covariance + identity(channels).mul_scalar(ridge)
}

fn on_host(x: Tensor<2>) -> Tensor<2> {
    let data = read(x).convert::<f64>();
    Tensor::from_data(data, (&Device::flex(), DType::F64))
}

fn on_device(x: Tensor<2>, device: &Device) -> Tensor<2> {
    let data = read(x).convert::<f32>();
    Tensor::from_data(data, device)
}

#[cfg(test)]
mod tests;
