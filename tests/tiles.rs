//! A picture in tiles has the losses and the gradient of the picture as a whole.

mod common;

use burn::tensor::{Device, Tensor};
use common::{
    assert_close, imagenet, measure_tiles, noise, numbers, seam_ratio, seeded, three_blocks,
};
use nst::loss::{LossTerms, Objective, Settings, StyleLoss, StyleSource};
use nst::picture::Mask;
use nst::tiles::Tiling;
use nst::vgg::{Layer, Model, Padding, Pooling, Vgg};
use proptest::prelude::*;

/// Losses and gradient of noise of `[height, width]` after noise of another size.
fn measure(
    vgg: &Vgg,
    settings: &Settings,
    [height, width]: [usize; 2],
    styles: &[StyleSource],
    tiling: Tiling,
) -> (LossTerms, Vec<f32>) {
    let device = vgg.device();
    let content = noise(height, width, 1, &device);
    let objective = Objective::new(settings, &content, styles, vgg, tiling);
    let x = noise(height, width, 3, &device);
    let tiles = tiling.of([height, width]);
    let (terms, gradient) = measure_tiles(vgg, &objective, &tiles, &x);
    (terms, numbers(gradient))
}

/// The same with tiles of `side` pixels and as a whole: losses within 1e-5 of each other, gradients
/// within 1e-5 of their largest value; 1e-4 for Wasserstein's, whose matrix roots amplify the
/// rounding of the moments (largest seen: 4.3e-5).
#[track_caller]
fn check(
    vgg: &Vgg,
    settings: &Settings,
    size: [usize; 2],
    styles: &[StyleSource],
    side: usize,
) -> Vec<f32> {
    let deepest = settings.deepest(vgg.model()).unwrap();
    let tiling = Tiling {
        side: Some(side),
        halo: vgg.model().reach(deepest),
    };
    let (expected, whole) = measure(vgg, settings, size, styles, Tiling::default());
    let (found, tiled) = measure(vgg, settings, size, styles, tiling);
    for (what, found, expected) in [
        ("content", found.content, expected.content),
        ("style", found.style, expected.style),
        ("total variation", found.tv, expected.tv),
        ("total", found.total, expected.total),
    ] {
        assert_close(what, found.into(), expected.into(), 1e-5);
    }
    let allowed = match settings.style_loss {
        StyleLoss::Gram => 1e-5,
        StyleLoss::Wasserstein => 1e-4,
    };
    let largest = whole.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    let off: Vec<_> = whole
        .iter()
        .zip(&tiled)
        .map(|(a, b)| (a - b).abs())
        .collect();
    let worst = off.iter().fold(0.0_f32, |m, &v| m.max(v));
    assert!(worst <= allowed * largest, "off by {worst} of {largest}");
    off
}

/// A mask with a soft edge, whose other side is the second region's.
fn ramp(reversed: bool) -> Mask {
    let (width, height) = (20, 24);
    let value = |k: usize| ((k % width) as f32 / 19.0 * 3.0 - 1.0).clamp(0.0, 1.0);
    let values = (0..width * height).map(value);
    Mask {
        width,
        height,
        values: values.map(|v| if reversed { 1.0 - v } else { v }).collect(),
    }
}

fn settings(style_loss: StyleLoss) -> Settings {
    Settings {
        content_layers: vec![Layer::new(2, 2).into(), Layer::new(3, 1).into()],
        style_layers: [1, 2, 3].map(|block| Layer::new(block, 1).into()).into(),
        style_loss,
        ..Settings::default()
    }
}

fn styles(regions: bool, device: &Device) -> Vec<StyleSource> {
    let image = |seed| noise(70, 53, seed, device);
    if !regions {
        return vec![image(5).into()];
    }
    let region = |image: Tensor<4>, reversed: bool| StyleSource {
        content_mask: Some(ramp(reversed)),
        style_mask: reversed.then(|| ramp(false)),
        ..image.into()
    };
    vec![region(image(5), false), region(image(6), true)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn tiles_make_no_difference(
        height in 48_usize..150, width in 48_usize..150,
        side in prop::sample::select(vec![16_usize, 48, 64, 256]),
        average in any::<bool>(), replicate in any::<bool>(),
        wasserstein in any::<bool>(), regions in any::<bool>(),
    ) {
        let pooling = if average { Pooling::Average } else { Pooling::Max };
        let padding = if replicate { Padding::Replicate } else { Padding::Zero };
        let vgg = three_blocks().with(pooling, padding);
        let loss = if wasserstein { StyleLoss::Wasserstein } else { StyleLoss::Gram };
        check(&vgg, &settings(loss), [height, width], &styles(regions, &vgg.device()), side);
    }
}

#[test]
fn panoramas_and_prime_sides_make_no_difference() {
    let vgg = three_blocks();
    for size in [[17, 401], [331, 19], [97, 101]] {
        let styles = styles(false, &vgg.device());
        check(&vgg, &settings(StyleLoss::Gram), size, &styles, 32);
    }
}

#[test]
fn whole_networks_with_their_five_blocks_make_no_difference() {
    for model in [Model::Vgg16, Model::Vgg19] {
        let vgg = Vgg::new(seeded(model, 2), &Device::flex());
        let styles = [noise(64, 80, 5, &Device::flex()).into()];
        check(&vgg, &Settings::default(), [301, 276], &styles, 64);
    }
}

#[test]
fn the_gradient_along_the_seams_is_no_worse_than_elsewhere() {
    let vgg = three_blocks();
    let (height, width, side) = (160, 192, 64);
    let styles = styles(false, &vgg.device());
    let off = check(
        &vgg,
        &settings(StyleLoss::Gram),
        [height, width],
        &styles,
        side,
    );
    let ratio = seam_ratio(&off, [height, width], side);
    assert!(
        ratio < 2.0,
        "errors along the seams are {ratio} times those elsewhere"
    );
}

#[test]
#[ignore = "needs ../shared: ImageNet's VGG19"]
fn imagenets_network_makes_no_difference() {
    let vgg = imagenet(&Device::flex());
    let styles = [noise(300, 200, 5, &Device::flex()).into()];
    check(&vgg, &Settings::default(), [509, 383], &styles, 256);
}
