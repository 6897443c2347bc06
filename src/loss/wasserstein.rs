use burn::tensor::{Tensor, TensorData};
use ndarray::{Array1, Array2, Axis};

use super::Moments;
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
    mean: Array1<f64>,
    covariance: Array2<f64>,
    ridge: f64,
    /// |mean|² + trace of the covariance: the squared distance to features that are all zero.
    size: f64,
}

impl Gaussian {
    /// The distribution with these moments, without autodiff: second `[channels, channels]`, mean
    /// `[1, channels]`.
    pub fn new(second: Tensor<2>, mean: Tensor<2>) -> Self {
        let [second, mean] = [second, mean].map(on_host);
        let mean = mean.remove_axis(Axis(0));
        let size = second.diag().sum();
        let mean_square = size / mean.len() as f64;
        let ridge = 1e-4 * if size > 0.0 { mean_square } else { 1.0 };
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
        let mean = on_host(mean).remove_axis(Axis(0));
        let off = &mean - &self.mean;
        let (value, slope) = self.of_covariances(on_host(moments.second), &mean);
        let value = value + off.dot(&off);
        // The covariance is second - meanᵀ mean, and the slope is symmetric.
        let of_mean = (off - slope.dot(&mean)) * 2.0;
        let weighted = |slopes: Array2<f64>| {
            let shape = [slopes.nrows(), slopes.ncols()];
            let slopes = slopes
                .iter()
                .map(|slope| (slope * f64::from(weight)) as f32);
            Tensor::from_data(TensorData::new(slopes.collect(), shape), &device)
        };
        let slopes = Moments {
            second: weighted(slope),
            mean: Some(weighted(of_mean.insert_axis(Axis(0)))),
        };
        (Tensor::from_floats([value as f32], &device), slopes)
    }

    /// The part of the covariances, and its gradient in the covariance of these moments.
    fn of_covariances(&self, second: Array2<f64>, mean: &Array1<f64>) -> (f64, Array2<f64>) {
        let ridge = self.ridge.max(ROUNDING * second.diag().sum());
        let mut from = covariance(second, mean);
        let mut to = self.covariance.clone();
        for matrix in [&mut from, &mut to] {
            matrix.diag_mut().mapv_inplace(|x| x + ridge);
        }
        let carry = transport(&from, &to, ridge);
        let carried = (&carry * &from).sum();
        let value = from.diag().sum() + to.diag().sum() - 2.0 * carried;
        // A clamp leaves NaN as it is, which the loop must hear of.
        let slope = Array2::eye(mean.len()) - carry;
        (value.clamp(0.0, f64::INFINITY), slope)
    }
}

/// Second moments without the product of the mean as a column and as a row.
fn covariance(mut second: Array2<f64>, mean: &Array1<f64>) -> Array2<f64> {
    for (mut row, left) in second.rows_mut().into_iter().zip(mean) {
        row.scaled_add(-left, mean);
    }
    second
}

/// A tensor's numbers in float64.
fn on_host(x: Tensor<2>) -> Array2<f64> {
    let [rows, columns] = x.dims();
    let data = read(x);
    let values = data.as_slice::<f32>().expect("moments are float32");
    Array2::from_shape_fn((rows, columns), |(i, j)| values[i * columns + j].into())
}

#[cfg(test)]
mod tests;
