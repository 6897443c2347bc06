//! ImageNet's VGG19 against float64 numbers made by `python reference.py golden` with PyTorch.
//!
//!     cargo test --release --test golden -- --ignored

mod common;

use burn::tensor::Device;
use common::{assert_close, numbers, objective, shared, tensor};
use nst::loss::{LossTerms, Normalisation, Settings, gram};
use nst::optimize::Adam;
use nst::vgg::{Layer, Model, Vgg};
use serde_json::Value;

struct Golden {
    vgg: Vgg,
    numbers: Value,
}

impl Golden {
    fn load() -> Self {
        let text = std::fs::read_to_string(shared("reference/golden.json")).unwrap();
        Self {
            vgg: common::imagenet(&Device::flex()),
            numbers: serde_json::from_str(&text).unwrap(),
        }
    }

    fn picture(&self, name: &str) -> burn::tensor::Tensor<4> {
        let path = shared(&format!("reference/{name}.png"));
        tensor(&path, &self.vgg.device())
    }
}

fn list(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

/// Each number within `relative` of its golden one, or of `scale` where that is larger: a feature
/// that is nearly cancelled carries the rounding of its neighbours.
#[track_caller]
fn assert_all_close(what: &str, found: &[f32], expected: &[f64], relative: f64, scale: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (k, (&f, &e)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(f) - e).abs() / e.abs().max(scale);
        assert!(error <= relative, "{what}[{k}]: {f} is not {e}");
    }
}

#[test]
#[ignore = "needs ../shared: ImageNet's VGG19 and the numbers of PyTorch"]
fn features_of_the_content_picture_are_those_of_pytorch() {
    let golden = Golden::load();
    let layers: Vec<_> = Model::Vgg19.layers_to(Layer::new(5, 2)).collect();
    let features = golden.vgg.features(golden.picture("content"), &layers);
    for layer in layers {
        let name = layer.to_string();
        let expected = &golden.numbers["features_of_content"][&name];
        let shape: Vec<_> = features[&layer].dims().map(|d| d as f64).into();
        assert_eq!(shape, list(&expected["shape"]), "{name}");
        let values = numbers(features[&layer].clone());
        let count = values.len() as f64;
        let mean = values.iter().copied().map(f64::from).sum::<f64>() / count;
        let square = |v: &f32| (f64::from(*v) - mean).powi(2);
        // PyTorch divides by count - 1.
        let std = (values.iter().map(square).sum::<f64>() / (count - 1.0)).sqrt();
        let max = values.iter().copied().fold(0.0, f32::max);
        let golden_std = expected["std"].as_f64().unwrap();
        assert_close(&name, mean, expected["mean"].as_f64().unwrap(), 1e-3);
        assert_close(&name, std, golden_std, 1e-3);
        assert_close(
            &name,
            f64::from(max),
            expected["max"].as_f64().unwrap(),
            1e-3,
        );
        let first = list(&expected["first8"]);
        let last = list(&expected["last4"]);
        assert_all_close(&name, &values[..8], &first, 1e-3, golden_std);
        assert_all_close(&name, &values[values.len() - 4..], &last, 1e-3, golden_std);
    }
}

#[test]
#[ignore = "needs ../shared: ImageNet's VGG19 and the numbers of PyTorch"]
fn gram_matrices_of_the_style_picture_are_those_of_pytorch() {
    let golden = Golden::load();
    let layers: Vec<_> = Settings::default()
        .style_layers
        .iter()
        .map(|l| l.layer)
        .collect();
    let features = golden.vgg.features(golden.picture("style"), &layers);
    for layer in layers {
        let name = layer.to_string();
        let expected = &golden.numbers["gram_of_style"][&name];
        let channels = layer.outputs();
        let values = numbers(gram(features[&layer].clone()));
        let trace: f64 = (0..channels)
            .map(|c| f64::from(values[c * channels + c]))
            .sum();
        let norm = values
            .iter()
            .map(|&v| f64::from(v).powi(2))
            .sum::<f64>()
            .sqrt();
        assert_close(&name, trace, expected["trace"].as_f64().unwrap(), 1e-3);
        assert_close(&name, norm, expected["fro"].as_f64().unwrap(), 1e-3);
        let row = list(&expected["row0_first4"]);
        assert_all_close(&name, &values[..4], &row, 1e-3, 1e-2);
    }
}

fn check_losses(golden: &Golden, kind: Normalisation) {
    let expected = &golden.numbers[kind.name()];
    let settings = Settings {
        beta: expected["beta"].as_f64().unwrap() as f32,
        normalisation: kind,
        tv: 0.0,
        ..Settings::default()
    };
    let objective = objective(
        &settings,
        &golden.picture("content"),
        &golden.picture("style"),
        &golden.vgg,
    );
    let x = golden.picture("start");
    let (terms, gradient) = common::measure(&golden.vgg, &objective, &x);
    check_terms(&terms, &expected["at_start"]);

    let [_, _, height, width] = gradient.dims();
    let values = numbers(gradient);
    let expected = &expected["at_start"]["gradient"];
    let norm = values
        .iter()
        .map(|&v| f64::from(v).powi(2))
        .sum::<f64>()
        .sqrt();
    let max = values.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    assert_close(
        "gradient norm",
        norm,
        expected["norm"].as_f64().unwrap(),
        1e-2,
    );
    let golden_max = expected["max_abs"].as_f64().unwrap();
    assert_close("gradient max", f64::from(max), golden_max, 1e-2);
    let first = list(&expected["first4"]);
    assert_all_close("gradient", &values[..4], &first, 1e-2, 1e-3 * golden_max);
    let centre = |c| values[(c * height + height / 2) * width + width / 2];
    let centre = [centre(0), centre(1), centre(2)];
    let golden_centre = list(&expected["centre_rgb"]);
    assert_all_close("centre", &centre, &golden_centre, 1e-2, 1e-3 * golden_max);
}

fn check_terms(terms: &LossTerms, expected: &Value) {
    let number = |v: &Value| v.as_f64().unwrap();
    assert_close(
        "content",
        terms.content.into(),
        number(&expected["content"]),
        1e-3,
    );
    assert_close(
        "total",
        terms.total.into(),
        number(&expected["total"]),
        1e-3,
    );
    for (layer, &loss) in &terms.layers {
        let golden = number(&expected["style"][layer.to_string()]);
        assert_close(&layer.to_string(), loss.into(), golden, 1e-3);
    }
    assert_eq!(terms.layers.len(), 5);
}

#[test]
#[ignore = "needs ../shared: ImageNet's VGG19 and the numbers of PyTorch"]
fn balanced_losses_and_their_gradient_are_those_of_pytorch() {
    let golden = Golden::load();
    check_losses(&golden, Normalisation::Balanced);
}

#[test]
#[ignore = "needs ../shared: ImageNet's VGG19 and the numbers of PyTorch"]
fn paper_losses_and_their_gradient_are_those_of_pytorch() {
    let golden = Golden::load();
    check_losses(&golden, Normalisation::Paper);
}

fn check_trajectory(golden: &Golden, kind: Normalisation) {
    let expected = &golden.numbers[kind.name()];
    let settings = Settings {
        beta: expected["beta"].as_f64().unwrap() as f32,
        normalisation: kind,
        tv: 0.0,
        ..Settings::default()
    };
    let (content, style) = (golden.picture("content"), golden.picture("style"));
    let objective = objective(&settings, &content, &style, &golden.vgg);
    let mut adam = Adam::new(0.02);
    let mut x = golden.picture("start");
    let mut compared = 0;
    for step in 1..=20 {
        let (terms, gradient) = common::measure(&golden.vgg, &objective, &x);
        x = adam.update(x, gradient).clamp(0.0, 1.0);
        if let Some(total) = expected["adam_lr0.02_total_after_step"][step.to_string()].as_f64() {
            assert_close(
                &format!("total at step {step}"),
                terms.total.into(),
                total,
                2e-2,
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 5);
}

#[test]
#[ignore = "needs ../shared: ImageNet's VGG19 and the numbers of PyTorch"]
fn twenty_adam_steps_on_the_balanced_losses_go_the_way_of_pytorch() {
    let golden = Golden::load();
    check_trajectory(&golden, Normalisation::Balanced);
}

#[test]
#[ignore = "needs ../shared: ImageNet's VGG19 and the numbers of PyTorch"]
fn twenty_adam_steps_on_the_paper_losses_go_the_way_of_pytorch() {
    let golden = Golden::load();
    check_trajectory(&golden, Normalisation::Paper);
}
