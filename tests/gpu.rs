//! The GPU backend against the CPU, on whatever adapter there is, a software one included.
#![cfg(feature = "gpu")]

mod common;

use burn::tensor::{Device, Tensor};
use common::{noise, numbers, objective, seeded};
use nst::device;
use nst::loss::Settings;
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

#[test]
fn features_and_one_gradient_agree_with_the_cpu() {
    let (gpu, adapter) = match device::gpu() {
        Ok(found) => found,
        Err(error) => {
            eprintln!("skipped: {error}");
            return;
        }
    };
    eprintln!("on {adapter}");
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
