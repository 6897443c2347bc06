use burn::tensor::{DType, Device, Tensor};

use super::Moments;
use super::transport::{identity, inner, trace, transport};

/// A normal distribution of features.
///
/// The squared Wasserstein-2 distance of two of them (Dowson and Landau 1982) is
/// |m₁ - m₂|² + tr (C₁ + C₂ - 2 (C₂^½ C₁ C₂^½)^½) = |m₁ - m₂|² + tr (C₁ + C₂ - 2 T C₁), with the
/// matrix T that carries C₁ to C₂. Its gradient in C₁ is 1 - T, so nothing has to be derived
/// through the iterations that find T.
///
/// Covariances are handled in float64 on the CPU: their product has the square of their condition.
/// A ridge of 1e-4 times the mean of the target's squared features is added to both, because maps
/// with fewer positions than channels have singular ones.
#[derive(Debug)]
pub struct Gaussian {
    mean: Tensor<2>,
    /// The covariance with its ridge, float64 on the CPU.
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
        let (second, host_mean) = (on_host(second), on_host(mean.clone()));
        let size = trace(&second);
        let ridge = 1e-4 * if size > 0.0 { size / channels } else { 1.0 };
        Self {
            mean,
            covariance: with_ridge(covariance(second, &host_mean), ridge),
            ridge,
            size,
        }
    }

    /// 1 / the squared distance to features that are all zero, or 1 if that is no distance.
    pub fn per_size(&self) -> f32 {
        if self.size > 0.0 {
            self.size.recip() as f32
        } else {
            1.0
        }
    }

    /// The squared distance to features with these moments.
    ///
    /// # Panics
    ///
    /// If the moments have no mean.
    pub fn distance(&self, moments: &Moments) -> Tensor<1> {
        let mean = moments.mean.clone().expect("the moments for this loss");
        let second = moments.second.clone();
        let (value, slope) =
            self.of_covariance(covariance(on_host(second.clone()), &on_host(mean.clone())));
        let slope = on_device(slope, &mean.device());
        // The same number with the gradient: the slope's product with C = second - meanᵀ mean.
        let tangent =
            (second * slope.clone()).sum() - (mean.clone().matmul(slope) * mean.clone()).sum();
        let covariances = tangent.clone() - tangent.detach() + value as f32;
        (mean - self.mean.clone()).square().sum() + covariances
    }

    /// The part of the covariances, and its gradient in the one given.
    fn of_covariance(&self, covariance: Tensor<2>) -> (f64, Tensor<2>) {
        let channels = covariance.dims()[0];
        let covariance = with_ridge(covariance, self.ridge);
        let carry = transport(&covariance, &self.covariance, self.ridge);
        let traces = trace(&covariance) + trace(&self.covariance);
        let value = (traces - 2.0 * inner(&carry, &covariance)).max(0.0);
        (value, identity(channels) - carry)
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
    let data = x.inner().into_data().convert::<f64>();
    Tensor::from_data(data, (&Device::flex(), DType::F64))
}

fn on_device(x: Tensor<2>, device: &Device) -> Tensor<2> {
    let data = x.into_data().convert::<f32>();
    Tensor::from_data(data, &device.clone().without_autodiff())
}

#[cfg(test)]
mod tests;
