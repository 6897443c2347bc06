//! What each setting of the losses does, on seeded networks.

mod common;

use burn::tensor::{Device, Tensor};
use common::{assert_close, noise, numbers, seeded, three_blocks};
use nst::loss::{
    LayerWeight, LossTerms, Normalisation, Objective, Settings, StyleLoss, StyleSource,
};
use nst::picture::Mask;
use nst::tiles::Tiling;
use nst::vgg::{Layer, Model, Padding, Pooling, Vgg};

fn weighted(layers: &[(u8, u8, f32)]) -> Vec<LayerWeight> {
    let layer = |&(block, conv, weight)| LayerWeight {
        layer: Layer::new(block, conv),
        weight,
    };
    layers.iter().map(layer).collect()
}

fn settings() -> Settings {
    Settings {
        content_layers: weighted(&[(2, 1, 1.0)]),
        style_layers: weighted(&[(1, 1, 1.0), (2, 1, 1.0), (3, 1, 1.0)]),
        beta: 2.0,
        tv: 0.0,
        ..Settings::default()
    }
}

struct Setup {
    content: Tensor<4>,
    style: Tensor<4>,
    x: Tensor<4>,
}

fn setup() -> Setup {
    let device = Device::flex();
    Setup {
        content: noise(12, 10, 1, &device),
        style: noise(9, 14, 2, &device),
        x: noise(12, 10, 3, &device),
    }
}

fn measure(settings: &Settings, styles: &[StyleSource], x: &Tensor<4>) -> (LossTerms, Vec<f32>) {
    let vgg = three_blocks();
    let objective = Objective::new(settings, &setup().content, styles, &vgg, Tiling::default());
    let (terms, gradient) = common::measure(&vgg, &objective, x);
    (terms, numbers(gradient))
}

/// The largest difference over the largest number of `expected`.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    assert!(largest > 0.0, "a gradient of zero tests nothing");
    let off = found.iter().zip(expected).map(|(f, e)| (f - e).abs());
    off.fold(0.0, f32::max) / largest
}

#[test]
fn style_is_the_mean_of_its_layers_by_their_weights() {
    let Setup { style, x, .. } = setup();
    let styles = [style.into()];
    let (plain, _) = measure(&settings(), &styles, &x);
    let settings = Settings {
        style_layers: weighted(&[(1, 1, 3.0), (2, 1, 0.5), (3, 1, 0.0)]),
        ..settings()
    };
    let (terms, _) = measure(&settings, &styles, &x);
    let of = |conv| f64::from(plain.layers[&Layer::new(conv, 1)]);
    let expected = (3.0 * of(1) + 0.5 * of(2)) / 3.5;
    assert_close("style", terms.style.into(), expected, 1e-5);
    let total = f64::from(plain.content) + 2.0 * expected;
    assert_close("total", terms.total.into(), total, 1e-5);
    for layer in [Layer::new(1, 1), Layer::new(2, 1)] {
        assert_close(
            "layer",
            terms.layers[&layer].into(),
            plain.layers[&layer].into(),
            1e-6,
        );
    }
}

#[test]
fn content_is_the_mean_of_its_layers_by_their_weights() {
    let Setup { style, x, .. } = setup();
    let styles = [style.into()];
    let of = |layers: &[(u8, u8, f32)]| {
        let content_layers = weighted(layers);
        let settings = Settings {
            content_layers,
            ..settings()
        };
        f64::from(measure(&settings, &styles, &x).0.content)
    };
    let expected = (of(&[(1, 2, 1.0)]) + 3.0 * of(&[(3, 1, 9.0)])) / 4.0;
    let found = of(&[(1, 2, 0.5), (3, 1, 1.5)]);
    assert_close("content", found, expected, 1e-5);
}

#[test]
fn a_layer_of_weight_zero_is_not_computed() {
    let Setup { content, style, .. } = setup();
    let settings = Settings {
        content_layers: weighted(&[(2, 1, 1.0), (4, 1, 0.0)]),
        style_layers: weighted(&[(1, 1, 0.0), (2, 2, 1.0), (5, 1, 0.0)]),
        ..settings()
    };
    // A network without weights so deep would panic if it were asked.
    let mut shallow = seeded(Model::Vgg16, 11);
    shallow.convolutions.retain(|layer, _| layer.block <= 2);
    let vgg = Vgg::new(shallow, &Device::flex());
    let objective = Objective::new(
        &settings,
        &content,
        &[style.into()],
        &vgg,
        Tiling::default(),
    );
    assert_eq!(objective.layers(), [Layer::new(2, 1), Layer::new(2, 2)]);
}

fn with_weight(image: Tensor<4>, weight: f32) -> StyleSource {
    StyleSource {
        weight,
        ..image.into()
    }
}

#[test]
fn two_styles_pull_like_the_weighted_sum_of_each() {
    let Setup { style, x, .. } = setup();
    let other = noise(16, 8, 4, &Device::flex());
    // The paper's factor is the same for every target, so that the sums are exact.
    let settings = Settings {
        alpha: 0.0,
        normalisation: Normalisation::Paper,
        ..settings()
    };
    let both = [
        with_weight(style.clone(), 3.0),
        with_weight(other.clone(), 1.0),
    ];
    let sum = |x: &Tensor<4>| {
        let (first, second) = (
            measure(&settings, &[style.clone().into()], x),
            measure(&settings, &[other.clone().into()], x),
        );
        let pairs = first.1.iter().zip(&second.1);
        let gradient: Vec<f32> = pairs.map(|(a, b)| 0.75 * a + 0.25 * b).collect();
        (0.75 * first.0.total + 0.25 * second.0.total, gradient)
    };
    let constants = [x.clone(), setup().content].map(|x| {
        let (found, expected) = (measure(&settings, &both, &x), sum(&x));
        let off = difference(&found.1, &expected.1);
        assert!(off < 1e-3, "the gradient is off by {off}");
        expected.0 - found.0.total
    });
    assert!(constants[0] > 0.0, "two styles cannot both be met");
    assert_close("constant", constants[0].into(), constants[1].into(), 1e-2);
}

#[test]
fn a_style_given_twice_is_that_style() {
    let Setup { style, x, .. } = setup();
    for style_loss in [StyleLoss::Gram, StyleLoss::Wasserstein] {
        let settings = Settings {
            style_loss,
            ..settings()
        };
        let twice = [
            with_weight(style.clone(), 2.0),
            with_weight(style.clone(), 0.3),
        ];
        let (once, expected) = measure(&settings, &[style.clone().into()], &x);
        let (found, gradient) = measure(&settings, &twice, &x);
        assert_close("total", found.total.into(), once.total.into(), 1e-4);
        let off = difference(&gradient, &expected);
        assert!(off < 1e-3, "the gradient is off by {off}");
    }
}

/// A mask that is brighter on the right.
fn ramp(width: usize, height: usize) -> Mask {
    let values = (0..width * height).map(|k| (k % width) as f32 / (width - 1) as f32);
    Mask {
        width,
        height,
        values: values.collect(),
    }
}

/// A mask without its mirror image's pixels, so that two regions meet softly.
fn opposite(mask: &Mask) -> Mask {
    Mask {
        values: mask.values.iter().map(|v| 1.0 - v).collect(),
        ..mask.clone()
    }
}

#[track_caller]
fn check_gradient(what: &str, vgg: &Vgg, settings: &Settings, styles: &[StyleSource]) {
    let Setup { content, x, .. } = setup();
    let objective = Objective::new(settings, &content, styles, vgg, Tiling::default());
    let total = |x: Tensor<4>| f64::from(common::measure(vgg, &objective, &x).0.total);
    let (_, gradient) = common::measure(vgg, &objective, &x);
    // Along directions that go uphill, whose slope stands out of the rounding of the total.
    for seed in 20..23 {
        let direction = gradient.clone() * noise(12, 10, seed, &Device::flex());
        let largest: f32 = direction.clone().abs().max().into_scalar();
        let direction = direction.div_scalar(largest);
        let slope = numbers(direction.clone() * gradient.clone());
        let expected: f64 = slope.into_iter().map(f64::from).sum();
        let step = 1e-3;
        let ahead = total(x.clone() + direction.clone().mul_scalar(step));
        let behind = total(x.clone() - direction.mul_scalar(step));
        assert_close(what, (ahead - behind) / (2.0 * step), expected, 1e-2);
    }
}

#[test]
fn every_loss_has_the_gradient_that_finite_differences_say() {
    let Setup { style, .. } = setup();
    // Content and style meet at block2_conv1 and, with two content layers, at block3_conv1.
    let base = Settings {
        content_layers: weighted(&[(2, 1, 1.0), (3, 1, 0.4)]),
        tv: 3.0,
        ..settings()
    };
    let (left, right) = (opposite(&ramp(20, 24)), ramp(20, 24));
    let region = |image: &Tensor<4>, mask: &Mask, style_mask: Option<Mask>| StyleSource {
        content_mask: Some(mask.clone()),
        style_mask,
        ..image.clone().into()
    };
    let plain = [style.clone().into()];
    let other = noise(16, 16, 4, &Device::flex());
    let regions = [
        region(&style, &left, Some(ramp(5, 5))),
        region(&other, &right, None),
    ];
    for style_loss in [StyleLoss::Gram, StyleLoss::Wasserstein] {
        for normalisation in [Normalisation::Balanced, Normalisation::Paper] {
            let settings = Settings {
                style_loss,
                normalisation,
                ..base.clone()
            };
            let what = format!("{style_loss} {normalisation}");
            check_gradient(&what, &three_blocks(), &settings, &plain);
            check_gradient(
                &format!("{what}, regions"),
                &three_blocks(),
                &settings,
                &regions,
            );
        }
    }
}

#[test]
fn every_network_has_the_gradient_that_finite_differences_say() {
    let Setup { style, .. } = setup();
    for pool in [Pooling::Max, Pooling::Average] {
        for padding in [Padding::Zero, Padding::Replicate] {
            let vgg = three_blocks().with(pool, padding);
            let styles = [style.clone().into()];
            check_gradient(&format!("{pool} {padding}"), &vgg, &settings(), &styles);
        }
    }
}

#[test]
fn total_variation_counts_by_its_weight_and_is_reported_without_one() {
    let Setup { style, x, .. } = setup();
    let styles = [style.into()];
    let (without, _) = measure(&settings(), &styles, &x);
    let (with, _) = measure(
        &Settings {
            tv: 5.0,
            ..settings()
        },
        &styles,
        &x,
    );
    assert_close("tv", with.tv.into(), without.tv.into(), 1e-6);
    // The mean squared difference of two uniform numbers is 1/6, in each of two directions.
    assert_close("tv", with.tv.into(), 1.0 / 3.0, 0.1);
    let expected = without.total + 5.0 * without.tv;
    assert_close("total", with.total.into(), expected.into(), 1e-5);
}
