//! The picture a transfer starts from.

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::to_tensor;
use crate::job::{Init, Inputs, Job};
use crate::picture::{Picture, Statistics};

/// The first picture, `[1, 3, height, width]` in [0, 1].
pub fn image(
    job: &Job,
    inputs: &Inputs,
    (width, height): (usize, usize),
    device: &Device,
) -> Tensor<4> {
    let mut random = ChaCha8Rng::seed_from_u64(job.seed);
    let count = width * height;
    let planes = match &job.init {
        Init::Content => return to_tensor(&inputs.content.resized(width, height), device),
        Init::Picture(picture) => return to_tensor(&picture.resized(width, height), device),
        Init::Grey => vec![0.5; 3 * count],
        Init::Noise => (0..3 * count).map(|_| random.random()).collect(),
        Init::Normal => (0..3 * count)
            .map(|_| 0.5 + 0.2 * normal(&mut random))
            .collect(),
        Init::Style => style_noise(&inputs.styles[0].picture, count, &mut random),
    };
    let shape = [1, 3, height, width];
    Tensor::from_data(TensorData::new(planes, shape), device).clamp(0.0, 1.0)
}

/// A number of the standard normal distribution (Box and Muller 1958).
fn normal(random: &mut ChaCha8Rng) -> f32 {
    // 1 - u is in (0, 1], so the logarithm is finite.
    let (u, v): (f32, f32) = (random.random(), random.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f32::consts::TAU * v).cos()
}

/// Planes of normal noise with the mean and covariance of a picture's colours.
fn style_noise(style: &Picture, count: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
    let Statistics { mean, covariance } = Statistics::of(style);
    let mean = mean.map(|m| m as f32);
    let root = cholesky(covariance.map(|row| row.map(|v| v as f32)));
    let mut planes = vec![0.0; 3 * count];
    for k in 0..count {
        let z = [(); 3].map(|()| normal(random));
        for c in 0..3 {
            planes[c * count + k] = mean[c] + (0..=c).map(|i| root[c][i] * z[i]).sum::<f32>();
        }
    }
    planes
}

/// The lower triangle L with L Lᵀ = `a`, for a matrix that is symmetric and not negative.
fn cholesky(a: [[f32; 3]; 3]) -> [[f32; 3]; 3] {
    let mut l = [[0.0_f32; 3]; 3];
    for i in 0..3 {
        for j in 0..=i {
            let known: f32 = (0..j).map(|k| l[i][k] * l[j][k]).sum();
            l[i][j] = if i == j {
                (a[i][i] - known).max(0.0).sqrt()
            } else if l[j][j] > 0.0 {
                (a[i][j] - known) / l[j][j]
            } else {
                0.0
            };
        }
    }
    l
}
