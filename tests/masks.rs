//! Regions: each takes its style from its own painting.

mod common;

use burn::tensor::{Device, Tensor, TensorData};
use common::{assert_close, noise, numbers, three_blocks};
use nst::loss::{Objective, Settings, StyleLoss, StyleSource, gram};
use nst::optimize::Adam;
use nst::picture::{Depth, Mask, Picture};
use nst::tiles::Tiling;
use nst::vgg::{Layer, Vgg};
use nst::{Inputs, JobError, Painting};

fn settings(layers: &[Layer]) -> Settings {
    Settings {
        alpha: 0.0,
        content_layers: vec![Layer::new(2, 1).into()],
        style_layers: layers.iter().map(|&layer| layer.into()).collect(),
        tv: 0.0,
        ..Settings::default()
    }
}

const SHALLOW: [Layer; 2] = [Layer::new(1, 1), Layer::new(2, 1)];

fn mask(width: usize, height: usize, value: impl Fn(usize, usize) -> f32) -> Mask {
    let values = (0..width * height).map(|k| value(k % width, k / width));
    Mask {
        width,
        height,
        values: values.collect(),
    }
}

fn source(image: &Tensor<4>, content_mask: Mask) -> StyleSource {
    StyleSource {
        content_mask: Some(content_mask),
        ..image.clone().into()
    }
}

/// Loss and gradient of the style alone at noise of this size.
fn measure(
    settings: &Settings,
    styles: &[StyleSource],
    height: usize,
    width: usize,
) -> (f32, Vec<f32>) {
    let vgg = three_blocks();
    let x = noise(height, width, 3, &Device::flex());
    let objective = Objective::new(settings, &x, styles, &vgg, Tiling::default());
    let (terms, gradient) = common::measure(&vgg, &objective, &x);
    (terms.total, numbers(gradient))
}

#[test]
fn no_gradient_leaves_the_region_by_more_than_the_receptive_field() {
    let (height, width) = (16, 64);
    let style = noise(16, 16, 2, &Device::flex());
    // block2_conv1 sees 5 pixels to each side: one for each of two convolutions and twice that,
    // plus one, after the pool.
    let (edge, reach) = (20, 5);
    let left = mask(width, height, |x, _| f32::from(u8::from(x < edge)));
    for style_loss in [StyleLoss::Gram, StyleLoss::Wasserstein] {
        let settings = Settings {
            style_loss,
            ..settings(&SHALLOW)
        };
        let styles = [source(&style, left.clone())];
        let (_, gradient) = measure(&settings, &styles, height, width);
        // The mask at half the size blurs its edge over another pair of pixels.
        let far = edge + reach + 4;
        let (mut inside, mut outside) = (0, 0);
        for (k, g) in gradient.iter().enumerate() {
            let x = k % width;
            if x >= far {
                assert!(g.abs() < f32::MIN_POSITIVE, "{g} at column {x}");
                outside += 1;
            } else if x < edge && g.abs() > 1e-9 {
                inside += 1;
            }
        }
        assert!(inside > 3 * height * edge / 2, "{inside} pixels are pulled");
        assert_eq!(outside, 3 * height * (width - far));
    }
}

#[test]
fn a_full_mask_and_a_dim_one_are_no_mask() {
    let style = noise(14, 18, 2, &Device::flex());
    for style_loss in [StyleLoss::Gram, StyleLoss::Wasserstein] {
        let settings = Settings {
            style_loss,
            ..settings(&SHALLOW)
        };
        let (expected, slope) = measure(&settings, &[style.clone().into()], 12, 10);
        for brightness in [1.0, 0.3] {
            let everywhere = mask(5, 40, |_, _| brightness);
            let masked = StyleSource {
                style_mask: Some(everywhere.clone()),
                ..source(&style, everywhere)
            };
            let (found, gradient) = measure(&settings, &[masked], 12, 10);
            assert_close("loss", found.into(), expected.into(), 1e-4);
            let largest = slope.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
            for (found, expected) in gradient.iter().zip(&slope) {
                assert!(
                    (found - expected).abs() < 1e-3 * largest,
                    "{found} {expected}"
                );
            }
        }
    }
}

#[test]
fn a_style_mask_chooses_the_part_of_the_painting_that_counts() {
    let device = Device::flex();
    // Bands of two textures; away from the seam the features are those of each alone.
    let (calm, wild) = (
        noise(16, 64, 2, &device).mul_scalar(0.2),
        noise(16, 64, 5, &device),
    );
    let painting = Tensor::cat(vec![calm.clone(), wild], 3);
    let settings = settings(&[Layer::new(1, 1)]);
    let left = mask(128, 16, |x, _| f32::from(u8::from(x < 63)));
    let masked = StyleSource {
        style_mask: Some(left),
        ..painting.into()
    };
    let (found, _) = measure(&settings, &[masked], 12, 10);
    let (expected, _) = measure(&settings, &[calm.into()], 12, 10);
    assert_close("loss", found.into(), expected.into(), 0.05);
}

/// Stripes of two colours, `period` pixels apart.
fn stripes(colours: [[f32; 3]; 2], period: usize, down: bool) -> Tensor<4> {
    let value = |k: usize| {
        let (channel, y, x) = (k / 1024, k / 32 % 32, k % 32);
        colours[if down { y } else { x } / period % 2][channel]
    };
    let values: Vec<_> = (0..3 * 1024).map(value).collect();
    Tensor::from_data(TensorData::new(values, [1, 3, 32, 32]), &Device::flex())
}

/// Relative squared distance of the Gram matrices of the columns of one map and a whole other.
fn distance(vgg: &Vgg, x: &Tensor<4>, columns: std::ops::Range<usize>, style: &Tensor<4>) -> f32 {
    let layer = Layer::new(2, 1);
    let map = vgg.features(x.clone(), &[layer]).remove(&layer).unwrap();
    let target = gram(
        vgg.features(style.clone(), &[layer])
            .remove(&layer)
            .unwrap(),
    );
    let off = (gram(map.narrow(3, columns.start, columns.len())) - target.clone()).square();
    (off.sum() / target.square().sum()).into_scalar()
}

#[test]
fn each_region_comes_to_the_gram_matrix_of_its_own_style() {
    let vgg = three_blocks();
    let styles = [
        stripes([[0.9, 0.1, 0.1], [0.6, 0.5, 0.0]], 2, true),
        stripes([[0.0, 0.2, 0.8], [0.7, 0.9, 1.0]], 4, false),
    ];
    let left = mask(64, 32, |x, _| f32::from(u8::from(x < 32)));
    let right = mask(64, 32, |x, _| f32::from(u8::from(x >= 32)));
    let sources = [source(&styles[0], left), source(&styles[1], right)];
    let settings = settings(&SHALLOW);
    let start = noise(32, 64, 8, &Device::flex());
    let objective = Objective::new(&settings, &start, &sources, &vgg, Tiling::default());
    let mut x = start.clone();
    let mut adam = Adam::new(0.02);
    for _ in 0..80 {
        let (_, gradient) = common::measure(&vgg, &objective, &x);
        x = adam.update(x, gradient).clamp(0.0, 1.0);
    }
    // Half of the map's 32 columns each, without the seam.
    for (own, columns) in [(0, 0..14), (1, 18..32)] {
        let to = |x: &Tensor<4>, k: usize| distance(&vgg, x, columns.clone(), &styles[k]);
        let (before, after, other) = (to(&start, own), to(&x, own), to(&x, 1 - own));
        assert!(
            after < 0.1 * before,
            "region {own}: {before} became {after}"
        );
        assert!(
            after < 0.1 * other,
            "region {own}: {after} to its own, {other}"
        );
    }
}

fn picture() -> Picture {
    Picture {
        width: 4,
        height: 4,
        pixels: vec![0.5; 48],
        alpha: None,
        depth: Depth::Eight,
        notes: Vec::new(),
    }
}

#[test]
fn an_empty_region_is_refused_by_the_number_of_its_mask() {
    let painting = |content: Option<f32>, style: Option<f32>| Painting {
        content_mask: content.map(|v| mask(8, 8, |_, _| v)),
        style_mask: style.map(|v| mask(8, 8, |_, _| v)),
        ..picture().into()
    };
    let check = |styles: Vec<Painting>| {
        let content = picture();
        Inputs { content, styles }.check_masks()
    };
    assert_eq!(check(vec![painting(None, None)]), Ok(()));
    let fine = || painting(Some(1.0), Some(0.2));
    assert_eq!(check(vec![fine(), fine()]), Ok(()));
    for (styles, expected) in [
        (
            vec![fine(), painting(Some(0.0), Some(1.0))],
            "--content-mask number 2",
        ),
        (
            vec![painting(Some(1.0), Some(0.001)), fine()],
            "--style-mask number 1",
        ),
        (
            vec![painting(None, None), painting(Some(0.0), None)],
            "--content-mask number 1",
        ),
    ] {
        let error = check(styles).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(matches!(error, JobError::EmptyMask { .. }));
    }
}
