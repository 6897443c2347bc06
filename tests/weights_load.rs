//! Reading safetensors files: names, types, shapes, and what is said when they are wrong.

mod weights_support;

use std::path::PathBuf;

use nst::vgg::{Layer, Model};
use nst::weights::{self, Preprocessing, Weights, WeightsError};
use tempfile::TempDir;
use weights_support::{
    Tensor, VGG19_CAFFE, layer_values, network, noise, safetensors, torchvision_network,
};

const FIRST: Layer = Layer::new(1, 1);
const SECOND: Layer = Layer::new(1, 2);

/// A file in a folder of its own.
fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.safetensors");
    weights_support::write(&path, bytes);
    (folder, path)
}

fn load(bytes: &[u8], deepest: Layer) -> Result<Weights, WeightsError> {
    let (_folder, path) = file(bytes);
    weights::load(&path, Model::Vgg19, deepest)
}

fn refusal(bytes: &[u8], deepest: Layer) -> String {
    load(bytes, deepest)
        .expect_err("should be refused")
        .to_string()
}

fn assert_seeded(weights: &Weights, deepest: Layer) {
    let expected: Vec<_> = weights.model.layers_to(deepest).collect();
    let found: Vec<_> = weights.convolutions.keys().copied().collect();
    assert_eq!(found, expected);
    for (&layer, convolution) in &weights.convolutions {
        let (kernel, bias) = layer_values(layer);
        assert_eq!(convolution.weight, kernel, "{layer}");
        assert_eq!(convolution.bias, bias, "{layer}");
    }
}

#[test]
fn f32_tensors_with_our_names_are_read_to_the_last_bit() {
    let bytes = safetensors(&VGG19_CAFFE, &network(Model::Vgg19, SECOND, Tensor::f32));
    let weights = load(&bytes, SECOND).unwrap();
    assert_eq!(weights.preprocessing, Preprocessing::Caffe);
    assert_seeded(&weights, SECOND);
}

#[test]
fn torchvision_names_give_the_same_network_with_torchvisions_preprocessing() {
    let deepest = Layer::new(3, 4);
    let bytes = safetensors(&[], &torchvision_network(Model::Vgg19, deepest));
    let weights = load(&bytes, deepest).unwrap();
    assert_eq!(weights.preprocessing, Preprocessing::Torchvision);
    assert_seeded(&weights, deepest);
}

#[test]
fn metadata_overrules_torchvisions_preprocessing() {
    let tensors = torchvision_network(Model::Vgg19, FIRST);
    let bytes = safetensors(&[("preprocessing", "caffe")], &tensors);
    assert_eq!(
        load(&bytes, FIRST).unwrap().preprocessing,
        Preprocessing::Caffe
    );
}

#[test]
fn half_precision_tensors_become_the_f32_of_the_same_value() {
    let (kernel, _) = layer_values(FIRST);
    for (make, step) in [
        (
            Tensor::f16 as fn(&str, &[usize], &[f32]) -> Tensor,
            2.0_f32.powi(-11),
        ),
        (Tensor::bf16, 2.0_f32.powi(-8)),
    ] {
        let bytes = safetensors(&VGG19_CAFFE, &network(Model::Vgg19, FIRST, make));
        let weights = load(&bytes, FIRST).unwrap();
        let found = &weights.convolutions[&FIRST].weight;
        for (&found, &exact) in found.iter().zip(&kernel) {
            // Half a unit in the last place, and the subnormal step near zero.
            let bound = exact.abs() * step + 2.0_f32.powi(-25);
            assert!((found - exact).abs() <= bound, "{found} is not {exact}");
        }
        assert_ne!(found, &kernel, "the file should have been rounded");
    }
}

#[test]
fn eight_bit_kernels_are_scaled_per_output_channel() {
    let (kernel, bias) = layer_values(FIRST);
    let mut scales = Vec::new();
    let mut quantised = Vec::new();
    for channel in kernel.chunks(27) {
        let scale = channel.iter().fold(0.0_f32, |m, w| m.max(w.abs())) / 127.0;
        quantised.extend(channel.iter().map(|w| (w / scale).round() as i8));
        scales.push(scale);
    }
    let bytes = safetensors(
        &VGG19_CAFFE,
        &[
            Tensor::i8("block1_conv1.weight", &[64, 3, 3, 3], &quantised),
            Tensor::f32("block1_conv1.scale", &[64], &scales),
            Tensor::f32("block1_conv1.bias", &[64], &bias),
        ],
    );
    let weights = load(&bytes, FIRST).unwrap();
    let found = &weights.convolutions[&FIRST].weight;
    for (n, (found, exact)) in found.iter().zip(&kernel).enumerate() {
        let step = scales[n / 27];
        assert!(
            (found - exact).abs() <= 0.5001 * step,
            "{found} is not {exact}"
        );
    }
}

#[test]
fn eight_bit_kernels_without_their_scale_are_refused() {
    let tensors = [
        Tensor::i8("block1_conv1.weight", &[64, 3, 3, 3], &[1; 64 * 27]),
        Tensor::f32("block1_conv1.bias", &[64], &noise(1, 64)),
    ];
    let error = refusal(&safetensors(&VGG19_CAFFE, &tensors), FIRST);
    assert!(
        error.ends_with("some.safetensors: block1_conv1.scale is missing"),
        "{error}"
    );
}

#[test]
fn deeper_layers_may_be_absent_and_a_classifier_is_ignored() {
    let mut tensors = network(Model::Vgg19, SECOND, Tensor::f32);
    tensors.push(Tensor::f32("classifier.0.weight", &[2, 2], &[f32::NAN; 4]));
    let bytes = safetensors(&VGG19_CAFFE, &tensors);
    let weights = load(&bytes, FIRST).unwrap();
    assert_seeded(&weights, FIRST);
}

#[test]
fn the_error_lists_everything_missing_or_wrong() {
    let mut tensors = network(Model::Vgg19, Layer::new(2, 1), Tensor::f32);
    tensors.retain(|t| t.name != "block1_conv2.weight");
    for t in &mut tensors {
        match t.name.as_str() {
            "block1_conv1.weight" => t.shape = vec![64, 27, 1],
            "block1_conv1.bias" => (t.dtype, t.shape) = ("I32", vec![64]),
            _ => {}
        }
    }
    let error = refusal(&safetensors(&VGG19_CAFFE, &tensors), Layer::new(2, 2));
    for part in [
        "some.safetensors: 5 things are missing or wrong",
        "block1_conv1.weight has shape [64, 27, 1], not [64, 3, 3, 3]",
        "block1_conv1.bias is I32, not F32, F16 or BF16",
        "block1_conv2.weight is missing",
        "block2_conv2.weight is missing",
        "block2_conv2.bias is missing",
    ] {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn infinite_values_are_counted_and_named() {
    let mut tensors = network(Model::Vgg19, SECOND, Tensor::f32);
    tensors[2].bytes[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    tensors[2].bytes[4..8].copy_from_slice(&f32::INFINITY.to_le_bytes());
    let error = refusal(&safetensors(&VGG19_CAFFE, &tensors), SECOND);
    assert!(
        error.ends_with("block1_conv2.weight holds 2 values that are infinite or not a number"),
        "{error}"
    );
    load(&safetensors(&VGG19_CAFFE, &tensors), FIRST).expect("the layer is not needed");
}

#[test]
fn the_other_network_is_called_by_its_name() {
    let deepest = Layer::new(4, 1);
    let said = safetensors(
        &[("model", "vgg16"), ("preprocessing", "caffe")],
        &network(Model::Vgg16, FIRST, Tensor::f16),
    );
    let ours = safetensors(
        &[("preprocessing", "caffe")],
        &network(Model::Vgg16, deepest, Tensor::f16),
    );
    let torchvision = safetensors(&[], &torchvision_network(Model::Vgg16, deepest));
    for bytes in [said, ours, torchvision] {
        let error = refusal(&bytes, FIRST);
        assert!(
            error.ends_with("this is vgg16, not vgg19; use --model vgg16 or give another file"),
            "{error}"
        );
    }
}

#[test]
fn a_damaged_vgg19_is_not_taken_for_a_vgg16() {
    let mut tensors = network(Model::Vgg19, Layer::new(4, 1), Tensor::f16);
    tensors.retain(|t| t.name != "block2_conv1.weight");
    let error = refusal(
        &safetensors(&[("preprocessing", "caffe")], &tensors),
        Layer::new(4, 1),
    );
    assert!(
        error.ends_with(": block2_conv1.weight is missing"),
        "{error}"
    );
}

#[test]
fn a_network_with_batch_normalisation_is_refused() {
    let mut tensors = torchvision_network(Model::Vgg19, FIRST);
    tensors.push(Tensor::f32("features.1.running_mean", &[64], &[0.0; 64]));
    let error = refusal(&safetensors(&[], &tensors), FIRST);
    assert!(error.contains("batch normalisation"), "{error}");
}

#[test]
fn a_file_of_another_network_says_what_it_holds() {
    let error = refusal(
        &safetensors(&[], &[Tensor::f32("fc.weight", &[1], &[0.0])]),
        FIRST,
    );
    assert!(
        error.contains("no VGG16 or VGG19: of its 1 tensors (fc.weight) none"),
        "{error}"
    );
}

#[test]
fn our_names_need_a_known_preprocessing() {
    let tensors = network(Model::Vgg19, FIRST, Tensor::f32);
    let error = refusal(&safetensors(&[("model", "vgg19")], &tensors), FIRST);
    assert!(error.contains("no `preprocessing`"), "{error}");
    let error = refusal(&safetensors(&[("preprocessing", "bgr")], &tensors), FIRST);
    assert!(error.contains("unknown preprocessing `bgr`"), "{error}");
}

#[test]
fn a_layer_the_network_lacks_is_refused() {
    let (_folder, path) = file(&safetensors(
        &VGG19_CAFFE,
        &network(Model::Vgg19, FIRST, Tensor::f32),
    ));
    let error = weights::load(&path, Model::Vgg16, Layer::new(5, 4)).unwrap_err();
    assert_eq!(error.to_string(), "vgg16 has no layer block5_conv4");
}

#[test]
fn an_absent_file_is_named() {
    let error = weights::load("no/such.safetensors".as_ref(), Model::Vgg19, FIRST).unwrap_err();
    assert_eq!(error.to_string(), "no/such.safetensors: cannot open");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn the_shared_imagenet_weights_load_down_to_the_content_layer() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/weights/vgg19.safetensors");
    if !path.exists() {
        eprintln!("skipped: {} is not here", path.display());
        return;
    }
    let deepest = Layer::new(5, 2);
    let weights = weights::load(&path, Model::Vgg19, deepest).unwrap();
    assert_eq!(weights.preprocessing, Preprocessing::Caffe);
    assert_eq!(weights.convolutions.len(), 14);
    let error = weights::load(&path, Model::Vgg16, deepest)
        .unwrap_err()
        .to_string();
    assert!(error.contains("this is vgg19, not vgg16"), "{error}");
}
