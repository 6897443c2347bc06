//! The GPU backend against the CPU, on whatever adapter there is, a software one included.
#![cfg(feature = "gpu")]

mod common;

use burn::tensor::{Device, Tensor};
use common::{noise, numbers, objective, seeded};
use nst::device;
use nst::loss::{Objective, Settings};
use nst::tiles::Tiling;
use nst::vgg::{Layer, Model, Vgg};

/// The largest difference over the largest number of `expected`.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    let off = found.iter().zip(expected).map(|(f, e)| (f - e).abs());
    off.fold(0.0, f32::max) / largest
}

struct Measured {
    features: Vec<(Layer, Vec<f32>)>,
    total: f32,
    gradient: Vec<f32>,
}

fn measure(device: &Device, height: usize, width: usize) -> Measured {
    let vgg = Vgg::new(seeded(Model::Vgg19, 5), device);
    let content = noise(height, width, 1, device);
    let style = noise(height, width, 2, device);
    let objective = objective(&Settings::default(), &content, &style, &vgg);
    let x: Tensor<4> = noise(height, width, 3, device);
    let features = vgg.features(x.clone(), &objective.layers());
    let (terms, gradient) = common::measure(&vgg, &objective, &x);
    Measured {
        features: features.into_iter().map(|(l, f)| (l, numbers(f))).collect(),
        total: terms.total,
        gradient: numbers(gradient),
    }
}

/// The graphics card, which is named, or none, and why is said.
fn card() -> Option<Device> {
    match device::gpu() {
        Ok((gpu, adapter)) => {
            eprintln!("on {adapter}");
            Some(gpu)
        }
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

#[test]
fn features_and_one_gradient_agree_with_the_cpu() {
    let Some(gpu) = card() else {
        return;
    };
    let (height, width) = (32, 48);
    let (cpu, gpu) = (
        measure(&device::cpu(), height, width),
        measure(&gpu, height, width),
    );
    for ((layer, found), (_, expected)) in gpu.features.iter().zip(&cpu.features) {
        let off = difference(found, expected);
        assert!(off < 1e-3, "{layer} is off by {off}");
    }
    common::assert_close("total", gpu.total.into(), cpu.total.into(), 1e-3);
    let off = difference(&gpu.gradient, &cpu.gradient);
    assert!(off < 1e-3, "the gradient is off by {off}");
}

/// Losses and gradient of noise of 1024x768 px by two layers of VGG16, in these tiles.
fn two_layers(device: &Device, tiling: Tiling) -> (f32, Vec<f32>) {
    let mut weights = seeded(Model::Vgg16, 11);
    weights.convolutions.retain(|layer, _| layer.block == 1);
    let settings = Settings {
        content_layers: vec![Layer::new(1, 2).into()],
        style_layers: [1, 2].map(|conv| Layer::new(1, conv).into()).into(),
        ..Settings::default()
    };
    let vgg = Vgg::new(weights, device);
    let styles = [noise(128, 96, 5, device).into()];
    let content = noise(768, 1024, 1, device);
    let objective = Objective::new(&settings, &content, &styles, &vgg, tiling);
    let tiles = tiling.of([768, 1024]);
    let x = noise(768, 1024, 3, device);
    let (terms, gradient) = common::measure_tiles(&vgg, &objective, &tiles, &x);
    (terms.total, numbers(gradient))
}

/// Two layers, so that the halo is small: a card that binds 128 MiB of a buffer, as Debian's software
/// driver, could not see the whole picture's maps.
#[test]
#[ignore = "1024 px on the graphics card: many minutes on a software one"]
fn a_step_of_1024_px_in_tiles_agrees_with_the_cpu() {
    let Some(gpu) = card() else {
        return;
    };
    let tiling = Tiling {
        side: Some(224),
        halo: Model::Vgg16.reach(Layer::new(1, 2)),
    };
    let (expected, whole) = two_layers(&device::cpu(), Tiling::default());
    let (found, tiled) = two_layers(&gpu, tiling);
    common::assert_close("total", found.into(), expected.into(), 1e-3);
    let off = difference(&tiled, &whole);
    assert!(off < 1e-3, "the gradient is off by {off}");
}
