//! The network and the losses against independent arithmetic, with seeded weights.

mod common;

use burn::tensor::{Device, Tensor, TensorData};
use common::{assert_close, measure, noise, numbers, objective, seeded};
use nst::loss::{Settings, gram};
use nst::vgg::{Layer, Model, Padding, Pooling, Vgg};
use nst::weights::{Convolution, Weights};

/// A feature map, channel by channel, in float64.
struct Map {
    channels: usize,
    height: usize,
    width: usize,
    values: Vec<f64>,
}

impl Map {
    fn at(&self, c: usize, y: usize, x: usize) -> f64 {
        self.values[(c * self.height + y) * self.width + x]
    }

    fn build(
        channels: usize,
        height: usize,
        width: usize,
        value: impl Fn(usize, usize, usize) -> f64,
    ) -> Self {
        let mut values = Vec::with_capacity(channels * height * width);
        for c in 0..channels {
            for y in 0..height {
                for x in 0..width {
                    values.push(value(c, y, x));
                }
            }
        }
        Self {
            channels,
            height,
            width,
            values,
        }
    }

    /// ReLU of a 3x3 convolution with zero padding, straight from the definition.
    fn convolved(&self, convolution: &Convolution) -> Self {
        let outputs = convolution.bias.len();
        Self::build(outputs, self.height, self.width, |o, y, x| {
            let mut sum = f64::from(convolution.bias[o]);
            for c in 0..self.channels {
                for (dy, dx) in (0..9).map(|k| (k / 3, k % 3)) {
                    let (sy, sx) = ((y + dy).wrapping_sub(1), (x + dx).wrapping_sub(1));
                    if sy < self.height && sx < self.width {
                        let weight = convolution.weight[(o * self.channels + c) * 9 + dy * 3 + dx];
                        sum += f64::from(weight) * self.at(c, sy, sx);
                    }
                }
            }
            sum.max(0.0)
        })
    }

    fn pooled(&self, pooling: Pooling) -> Self {
        Self::build(self.channels, self.height / 2, self.width / 2, |c, y, x| {
            let four = (0..4).map(|k| self.at(c, 2 * y + k / 2, 2 * x + k % 2));
            match pooling {
                Pooling::Max => four.fold(f64::NEG_INFINITY, f64::max),
                Pooling::Average => four.sum::<f64>() / 4.0,
            }
        })
    }

    /// With `count` more pixels all around, the nearest border's.
    fn widened(&self, count: usize) -> Self {
        let inside = |k: usize, length: usize| k.saturating_sub(count).min(length - 1);
        let (height, width) = (self.height + 2 * count, self.width + 2 * count);
        Self::build(self.channels, height, width, |c, y, x| {
            self.at(c, inside(y, self.height), inside(x, self.width))
        })
    }

    /// Without the outermost pixels.
    fn narrowed(&self) -> Self {
        Self::build(self.channels, self.height - 2, self.width - 2, |c, y, x| {
            self.at(c, y + 1, x + 1)
        })
    }
}

fn picture(x: &Tensor<4>) -> Map {
    let [_, channels, height, width] = x.dims();
    let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let values = numbers(x.clone());
    Map::build(channels, height, width, |c, y, x| {
        (f64::from(values[(c * height + y) * width + x]) - mean[c]) / std[c]
    })
}

fn check_every_layer(model: Model, pooling: Pooling, padding: Padding) {
    let device = Device::flex();
    let weights = seeded(model, 7);
    let layers: Vec<_> = model.layers().collect();
    let x = noise(19, 17, 3, &device);
    let mut map = picture(&x);
    let reference: Vec<_> = {
        let mut maps = Vec::new();
        for &layer in &layers {
            let convolution = &weights.convolutions[&layer];
            map = match padding {
                Padding::Replicate if layer == Layer::new(1, 1) => {
                    map.widened(1).convolved(convolution).narrowed()
                }
                _ => map.convolved(convolution),
            };
            maps.push((layer, map.values.clone()));
            if model.ends_block(layer) && layer.block < 5 {
                map = map.pooled(pooling);
            }
        }
        maps
    };
    let vgg = Vgg::new(weights, &device).with(pooling, padding);
    let features = vgg.features(x, &layers);
    assert_eq!(features.len(), layers.len());
    for (layer, expected) in reference {
        let found = numbers(features[&layer].clone());
        let largest = expected.iter().fold(0.0_f64, |m, v| m.max(*v));
        assert!(largest > 1e-3, "{layer} is dead, so it tests nothing");
        for (f, e) in found.iter().zip(&expected) {
            let error = (f64::from(*f) - e).abs() / largest;
            assert!(error < 1e-4, "{layer}: {f} is not {e}");
        }
    }
}

#[test]
fn every_layer_of_vgg16_is_a_convolution_and_a_relu() {
    check_every_layer(Model::Vgg16, Pooling::Max, Padding::Zero);
}

#[test]
fn average_pooling_and_the_borders_own_pixels_change_what_they_say() {
    check_every_layer(Model::Vgg16, Pooling::Average, Padding::Replicate);
}

#[test]
fn every_layer_of_vgg19_is_a_convolution_and_a_relu() {
    check_every_layer(Model::Vgg19, Pooling::Max, Padding::Zero);
}

#[test]
fn only_the_layers_asked_for_come_back() {
    let device = Device::flex();
    let mut weights: Weights = seeded(Model::Vgg16, 1);
    weights.convolutions.retain(|layer, _| layer.block <= 2);
    let vgg = Vgg::new(weights, &device);
    let asked = [Layer::new(2, 1), Layer::new(1, 2)];
    let features = vgg.features(noise(9, 12, 1, &device), &asked);
    assert_eq!(features.len(), 2);
    assert_eq!(features[&asked[0]].dims(), [1, 128, 4, 6]);
    assert_eq!(features[&asked[1]].dims(), [1, 64, 9, 12]);
}

#[test]
fn the_gram_matrix_is_the_mean_product_of_two_channels_whatever_the_size() {
    let device = Device::flex();
    for (height, width) in [(3, 5), (1, 1), (8, 2)] {
        let map = noise(height, width, 5, &device);
        let values = numbers(map.clone());
        let found = numbers(gram(map.clone()));
        let area = height * width;
        for (i, j) in (0..9).map(|k| (k / 3, k % 3)) {
            let sum: f32 = (0..area)
                .map(|k| values[i * area + k] * values[j * area + k])
                .sum();
            assert_close(
                "gram",
                found[i * 3 + j].into(),
                f64::from(sum / area as f32),
                1e-5,
            );
        }
    }
}

#[test]
fn a_style_picture_repeated_side_by_side_has_the_same_gram_matrix() {
    let device = Device::flex();
    let map = noise(6, 4, 9, &device);
    let twice = Tensor::cat(vec![map.clone(), map.clone()], 3);
    let (once, twice) = (numbers(gram(map.clone())), numbers(gram(twice)));
    for (a, b) in once.iter().zip(&twice) {
        assert_close("gram", f64::from(*b), f64::from(*a), 1e-5);
    }
}

#[test]
fn the_gradient_is_what_finite_differences_say() {
    let device = Device::flex();
    let vgg = Vgg::new(seeded(Model::Vgg16, 11), &device);
    let settings = Settings {
        content_layers: vec![Layer::new(2, 2).into()],
        style_layers: [1, 2, 3].map(|block| Layer::new(block, 1).into()).into(),
        beta: 2.0,
        ..Settings::default()
    };
    let objective = objective(
        &settings,
        &noise(12, 10, 1, &device),
        &noise(9, 14, 2, &device),
        &vgg,
    );
    let x = noise(12, 10, 3, &device);
    let total = |x: Tensor<4>| f64::from(measure(&vgg, &objective, &x).0.total);
    let (_, gradient) = measure(&vgg, &objective, &x);
    // Along directions that go uphill with a random weight for each pixel: their slope stands out
    // of the rounding of the total, which a random direction's does not.
    for seed in 20..24 {
        let direction = gradient.clone() * noise(12, 10, seed, &device);
        let largest: f32 = direction.clone().abs().max().into_scalar();
        let direction = direction.div_scalar(largest);
        let expected: f64 = numbers(direction.clone() * gradient.clone())
            .into_iter()
            .map(f64::from)
            .sum();
        let step = 1e-3;
        let ahead = total(x.clone() + direction.clone().mul_scalar(step));
        let behind = total(x.clone() - direction.mul_scalar(step));
        let found = (ahead - behind) / (2.0 * step);
        assert_close("slope", found, expected, 1e-2);
    }
}

#[test]
fn a_picture_that_is_its_own_target_has_no_loss() {
    let device = Device::flex();
    let vgg = Vgg::new(seeded(Model::Vgg19, 2), &device);
    let x = noise(32, 20, 4, &device);
    let settings = Settings {
        tv: 0.0,
        ..Settings::default()
    };
    let objective = objective(&settings, &x, &x, &vgg);
    let (terms, _) = measure(&vgg, &objective, &x);
    assert!(terms.total.abs() < 1e-9, "{terms:?}");
}

#[test]
fn a_black_target_without_features_gives_a_finite_loss() {
    let device = Device::flex();
    let mut weights = seeded(Model::Vgg16, 2);
    for convolution in weights.convolutions.values_mut() {
        convolution.bias.fill(-1e3);
    }
    let vgg = Vgg::new(weights, &device);
    let settings = Settings::default();
    let dead = Tensor::from_data(
        TensorData::new(vec![0.0_f32; 3 * 256], [1, 3, 16, 16]),
        &device,
    );
    let objective = objective(&settings, &dead, &dead, &vgg);
    let (terms, _) = measure(&vgg, &objective, &dead);
    assert!(terms.total.is_finite(), "{terms:?}");
}
