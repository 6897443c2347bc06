//! Against float64 numbers of `python tests/reference/wasserstein.py` (PyTorch 2.15).

use burn::tensor::{Device, Tensor, TensorData};

use super::*;
use crate::kernels::seeded;
use crate::loss::StyleLoss;
use crate::tiles::Tile;

/// Rectified waves: the same numbers as the script's.
fn features(channels: usize, [height, width]: [usize; 2], phase: f64) -> Tensor<4> {
    let value = |k: usize| {
        let c = (k / (height * width) + 1) as f64;
        let p = (k % (height * width) + 1) as f64;
        ((phase * c * p + c).sin() + 0.3 * (p * phase).cos() + 0.2).max(0.0) as f32
    };
    let values: Vec<_> = (0..channels * height * width).map(value).collect();
    let shape = [1, channels, height, width];
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn moments(features: &Tensor<4>) -> Moments {
    let [_, _, height, width] = features.dims();
    let window = Tile::whole([height, width]).window(0);
    Moments::of(features, &window, None, StyleLoss::Wasserstein)
}

fn target(features: &Tensor<4>) -> Gaussian {
    let moments = moments(features);
    Gaussian::new(moments.second, moments.mean.unwrap())
}

/// The squared distance, and its gradient of the features.
fn distance(target: &Gaussian, features: &Tensor<4>) -> (f32, Vec<f32>) {
    let x = features.clone().autodiff().require_grad();
    let measured = moments(&x);
    let (distance, slopes) = target.distance(measured.clone().inner(), 1.0);
    let mut root = seeded(
        Tensor::from_floats([0.0], &x.device()),
        measured.second,
        slopes.second,
    );
    root = seeded(root, measured.mean.unwrap(), slopes.mean.unwrap());
    let gradient = x.grad(&root.backward()).unwrap();
    (
        distance.into_scalar(),
        gradient.into_data().iter().collect(),
    )
}

struct Reference {
    channels: usize,
    size: [usize; 2],
    target_size: f64,
    distance: f64,
    /// Of channel 2, the first six positions.
    gradient: [f64; 6],
}

const REFERENCES: [Reference; 2] = [
    Reference {
        channels: 6,
        size: [5, 7],
        target_size: 2.696_120_34,
        distance: 0.012_825_733_2,
        gradient: [
            -0.000_691_155_6,
            0.003_557_061,
            0.000_888_140_1,
            -0.002_291_36,
            -9.850_944e-05,
            0.000_930_951_1,
        ],
    },
    Reference {
        channels: 12,
        size: [2, 3],
        target_size: 5.262_222_55,
        distance: 2.358_631_08,
        gradient: [
            -0.101_938_1,
            0.059_654_64,
            0.003_948_613,
            -0.014_703_39,
            -0.027_026_35,
            -0.018_374_85,
        ],
    },
];

#[test]
fn distance_and_gradient_are_those_of_pytorch() {
    for reference in REFERENCES {
        let target = target(&features(reference.channels, [5, 8], 0.61));
        assert!((target.size / reference.target_size - 1.0).abs() < 1e-5);
        let x = features(reference.channels, reference.size, 1.37);
        let (found, gradient) = distance(&target, &x);
        let off = (f64::from(found) / reference.distance - 1.0).abs();
        assert!(off < 1e-5, "{found} is not {}", reference.distance);
        let positions = reference.size[0] * reference.size[1];
        let found = &gradient[positions..positions + 6];
        let largest = reference
            .gradient
            .iter()
            .fold(0.0_f64, |m, v| m.max(v.abs()));
        for (found, expected) in found.iter().zip(reference.gradient) {
            let off = (f64::from(*found) - expected).abs() / largest;
            assert!(off < 1e-4, "{found} is not {expected}");
        }
    }
}

#[test]
fn the_ridge_is_a_small_part_of_the_distance() {
    // The script's numbers without a ridge.
    for (channels, size, exact, allowed) in [
        (6, [5, 7], 0.012_826_903_4, 1e-3),
        (12, [2, 3], 2.400_762_64, 0.02),
    ] {
        let target = target(&features(channels, [5, 8], 0.61));
        let (found, _) = distance(&target, &features(channels, size, 1.37));
        let off = (f64::from(found) / exact - 1.0).abs();
        assert!(off < allowed, "{found} is not {exact}");
    }
}

#[test]
fn distance_to_itself_is_nothing_and_to_zero_is_the_size() {
    // Fewer positions than channels, too: a singular covariance.
    for (channels, size) in [(6, [5, 7]), (40, [3, 3])] {
        let x = features(channels, size, 0.9);
        let target = target(&x);
        let (itself, _) = distance(&target, &x);
        assert!(f64::from(itself) < 1e-6 * target.size, "{itself}");
        let (zero, _) = distance(&target, &x.zeros_like());
        let relative = zero / target.size();
        assert!((relative - 1.0).abs() < 0.05, "{relative}");
    }
}

#[test]
fn a_target_without_features_gives_a_finite_distance() {
    let x = features(5, [3, 4], 0.7);
    let target = target(&x.zeros_like());
    let (found, _) = distance(&target, &x);
    let size: f32 = x.clone().square().sum().into_scalar();
    let expected = size / 12.0;
    assert!((found / expected - 1.0).abs() < 0.05, "{found} {expected}");
    assert!(target.size().abs() < f32::EPSILON);
}

/// A map without any structure, of so many positions that their sums are rounded.
fn flat(channels: usize, level: f32) -> Tensor<4> {
    let [height, width] = [611, 809];
    let values: Vec<_> = (0..height * width * channels)
        .map(|k| level * ((k % channels) as f32 * 1.7).sin().abs())
        .collect();
    let data = TensorData::new(values, [1, height, width, channels]);
    Tensor::from_data(data, &Device::flex()).permute([0, 3, 1, 2])
}

#[test]
fn flat_maps_are_as_far_apart_as_their_means_with_a_finite_gradient() {
    for channels in [16, 64] {
        for (x, painting) in [
            (7.0, 7.0),
            (7.0, 0.01),
            (0.01, 7.0),
            (7.0, 0.0),
            (0.0, 7.0),
            (0.0, 0.0),
        ] {
            let target = target(&flat(channels, painting));
            let (found, gradient) = distance(&target, &flat(channels, x));
            let norm: f32 = (0..channels).map(|c| (c as f32 * 1.7).sin().powi(2)).sum();
            let expected = (x - painting).powi(2) * norm;
            let off = (found - expected).abs() / (norm * x.max(painting).powi(2)).max(1.0);
            assert!(off < 1e-3, "{x} to {painting}: {found} is not {expected}");
            assert!(
                gradient.iter().all(|slope| slope.is_finite()),
                "{x} to {painting}"
            );
        }
    }
}
