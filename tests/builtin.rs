//! The network inside the binary: the float network it was made of, and a first run with nothing
//! but the binary.
#![cfg(feature = "builtin-weights")]

mod common;

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use common::numbers;
use nst::vgg::{Layer, Model, Vgg};
use nst::weights::built_in;

/// Where in a map the reference has its values: this many, evenly spaced (`judge.reference`).
const SAMPLES: usize = 128;
const SIDE: usize = 64;

/// The picture of the reference, after the formula in `judge.py`.
fn picture(device: &Device) -> Tensor<4> {
    let level = |channel: usize, y: usize, x: usize| match channel {
        0 => (4 * x) % 256,
        1 => (3 * y + x) % 256,
        _ => (x * y) % 256,
    };
    let mut values = Vec::with_capacity(3 * SIDE * SIDE);
    for channel in 0..3 {
        for y in 0..SIDE {
            values.extend((0..SIDE).map(|x| level(channel, y, x) as f32 / 255.0));
        }
    }
    Tensor::from_data(TensorData::new(values, [1, 3, SIDE, SIDE]), device)
}

fn features(model: Model) -> BTreeMap<Layer, Vec<f32>> {
    let deepest = Layer::new(5, 2);
    let weights = built_in(model, deepest).unwrap().unwrap();
    let layers: Vec<_> = model.layers_to(deepest).collect();
    let device = Device::flex();
    Vgg::new(weights, &device)
        .features(picture(&device), &layers)
        .into_iter()
        .map(|(layer, map)| (layer, numbers(map)))
        .collect()
}

/// |found - expected| / |expected| of two lists of numbers, Euclidean.
fn relative_distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let square = |v: f64| v * v;
    let off: f64 = found
        .iter()
        .zip(expected)
        .map(|(&f, &e)| square(f64::from(f) - f64::from(e)))
        .sum();
    let size: f64 = expected.iter().map(|&e| square(f64::from(e))).sum();
    (off / size).sqrt()
}

/// The largest distance of a layer's features from a reference's.
fn worst_distance(model: Model, reference: &str) -> (f64, Layer) {
    let reference: BTreeMap<String, Vec<f32>> = serde_json::from_str(reference).unwrap();
    let found = features(model);
    assert_eq!(reference.len(), found.len());
    let distances = found.into_iter().map(|(layer, map)| {
        let step = map.len() / SAMPLES;
        let sampled: Vec<_> = map.iter().copied().step_by(step).take(SAMPLES).collect();
        (
            relative_distance(&sampled, &reference[&layer.to_string()]),
            layer,
        )
    });
    distances.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

#[test]
fn the_stored_codes_give_what_they_give_in_the_training_scripts() {
    let (distance, layer) =
        worst_distance(Model::Vgg19, include_str!("reference/builtin-stored.json"));
    assert!(distance <= 1e-3, "{layer}: {distance}");
}

#[test]
fn the_vgg16_is_the_vgg19_without_two_layers_and_with_mixes_instead() {
    let reference = include_str!("reference/builtin-vgg16.json");
    let (distance, layer) = worst_distance(Model::Vgg16, reference);
    assert!(distance <= 1e-3, "{layer}: {distance}");
}

#[test]
fn stored_features_are_within_3_percent_of_the_float_network() {
    let (distance, layer) = worst_distance(Model::Vgg19, include_str!("reference/builtin.json"));
    assert!(distance <= 0.03, "{layer}: {distance}");
}

/// In a network namespace of its own, in an empty home, the binary away from the tree.
#[cfg(all(feature = "cli", target_os = "linux"))]
#[test]
fn the_first_command_needs_nothing_but_the_binary() {
    use std::process::Command;

    let no_network = ["--map-root-user", "--net"];
    let may = Command::new("unshare")
        .args(no_network)
        .arg("true")
        .output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: unshare --net is not allowed here");
        return;
    }
    let studio = common::studio::Studio::new();
    let home = studio.path("home");
    std::fs::create_dir(&home).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_nst"), studio.path("nst")).unwrap();
    let output = Command::new("unshare")
        .args(no_network)
        .args(["./nst", "--content", "photo.png", "--style", "painting.png"])
        .args([
            "-o",
            "out.png",
            "--size",
            "48",
            "--steps",
            "2",
            "--backend",
            "cpu",
        ])
        .current_dir(studio.folder())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &home)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let lines: Vec<_> = said.lines().filter(|l| l.contains("built-in")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].contains("nst weights import FILE"), "{said}");
    let painted = image::open(studio.path("out.png")).unwrap();
    assert_eq!((painted.width(), painted.height()), (48, 36));
}
