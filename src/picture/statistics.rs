use super::Picture;
use super::colour::LUMINANCE;
use super::symmetric::{Matrix, apply, dot};

/// Mean and covariance of a picture's colours, R, G, B, sRGB-encoded; each pixel counts as much as it is opaque.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statistics {
    pub mean: [f64; 3],
    pub covariance: Matrix,
}

impl Statistics {
    pub fn of(picture: &Picture) -> Self {
        let total: f64 = weighted(picture).map(|(_, weight)| weight).sum();
        // A picture of which nothing is visible has the statistics of black.
        let total = if total > 0.0 { total } else { 1.0 };
        let mut mean = [0.0; 3];
        for (rgb, weight) in weighted(picture) {
            for (sum, v) in mean.iter_mut().zip(rgb) {
                *sum += weight * v / total;
            }
        }
        let mut covariance = [[0.0; 3]; 3];
        for (rgb, weight) in weighted(picture) {
            let off: [f64; 3] = std::array::from_fn(|c| rgb[c] - mean[c]);
            for (row, a) in covariance.iter_mut().zip(off) {
                for (sum, b) in row.iter_mut().zip(off) {
                    *sum += weight * a * b / total;
                }
            }
        }
        Self { mean, covariance }
    }

    /// Mean of the luminance.
    pub fn luminance(&self) -> f64 {
        dot(LUMINANCE, self.mean)
    }

    /// Standard deviation of the luminance.
    pub fn contrast(&self) -> f64 {
        dot(LUMINANCE, apply(&self.covariance, LUMINANCE))
            .max(0.0)
            .sqrt()
    }
}

/// Each pixel's colour and its opacity.
fn weighted(picture: &Picture) -> impl Iterator<Item = ([f64; 3], f64)> {
    let pixels = picture.pixels.as_chunks::<3>().0.iter().enumerate();
    pixels.map(|(i, rgb)| {
        let weight = picture.alpha.as_ref().map_or(1.0, |alpha| alpha[i]);
        (rgb.map(f64::from), f64::from(weight))
    })
}
