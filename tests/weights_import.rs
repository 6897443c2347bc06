//! Importing every format to the canonical file.

mod weights_support;

use std::path::{Path, PathBuf};

use nst::vgg::{Layer, Model};
use nst::weights::{self, Import, Precision, Preprocessing, Publisher, Weights};
use tempfile::TempDir;
use weights_support::{
    Tensor, VGG19_CAFFE, layer_values, network, safetensors, torchvision_network,
};

const FIRST: Layer = Layer::new(1, 1);

fn fixture(name: &str) -> PathBuf {
    Path::new("tests/fixtures/weights").join(name)
}

/// Imports a file as a VGG19 and reads the result back.
fn imported(file: &Path, precision: Precision) -> (TempDir, Weights) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.safetensors");
    let options = Import {
        output: Some(output.clone()),
        precision,
        model: Some(Model::Vgg19),
    };
    let imported = weights::import(file, &options, folder.path()).unwrap();
    assert_eq!(imported.path, output);
    let weights = weights::load(&output, Model::Vgg19, imported.deepest).unwrap();
    (folder, weights)
}

fn assert_seeded(weights: &Weights) {
    for (&layer, convolution) in &weights.convolutions {
        let (kernel, bias) = layer_values(layer);
        assert!(
            convolution.weight == kernel,
            "the kernel of {layer} differs"
        );
        assert!(convolution.bias == bias, "the bias of {layer} differs");
    }
}

#[test]
fn every_format_imports_to_the_same_network_to_the_last_bit() {
    let ours = Preprocessing::Caffe;
    let theirs = Preprocessing::Torchvision;
    for (name, preprocessing) in [
        ("keras.h5", ours),
        ("keras_later.h5", ours),
        ("torchvision_zip.pth", theirs),
        ("torchvision_legacy.pth", theirs),
    ] {
        let (_folder, weights) = imported(&fixture(name), Precision::Single);
        assert_eq!(
            weights.convolutions.keys().copied().collect::<Vec<_>>(),
            [FIRST]
        );
        assert_seeded(&weights);
        assert_eq!(weights.preprocessing, preprocessing, "{name}");
        assert_eq!(weights.origin.source.as_deref(), Some(name));
        assert_eq!(weights.origin.licence.as_deref(), Some("not stated"));
    }
}

#[test]
fn safetensors_of_torchvision_and_our_own_import_to_the_last_bit() {
    let deepest = Layer::new(2, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.safetensors");
    for bytes in [
        safetensors(&[], &torchvision_network(Model::Vgg19, deepest)),
        safetensors(&VGG19_CAFFE, &network(Model::Vgg19, deepest, Tensor::f32)),
    ] {
        weights_support::write(&path, &bytes);
        let (_out, weights) = imported(&path, Precision::Single);
        assert_eq!(weights.convolutions.len(), 3);
        assert_seeded(&weights);
    }
}

#[test]
fn a_canonical_file_imported_again_keeps_its_source_and_licence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.safetensors");
    let metadata = [
        ("model", "vgg19"),
        ("preprocessing", "caffe"),
        ("source", "https://weights.example/vgg19.h5"),
        ("licence", "CC BY 4.0"),
    ];
    weights_support::write(
        &path,
        &safetensors(&metadata, &network(Model::Vgg19, FIRST, Tensor::f32)),
    );
    let (_out, weights) = imported(&path, Precision::Single);
    assert_eq!(
        weights.origin.source.as_deref(),
        Some("https://weights.example/vgg19.h5")
    );
    assert_eq!(weights.origin.licence.as_deref(), Some("CC BY 4.0"));
}

#[test]
fn the_sources_digest_is_in_the_metadata_and_the_same_import_gives_the_same_bytes() {
    let source = fixture("keras.h5");
    let (one, _) = imported(&source, Precision::Single);
    let (two, _) = imported(&source, Precision::Single);
    let [one, two] = [one, two].map(|f| std::fs::read(f.path().join("out.safetensors")).unwrap());
    assert!(one == two);
    let digest = weights::sha256(&source).unwrap();
    let header_end = 8 + u64::from_le_bytes(one[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&one[8..header_end]).unwrap();
    assert_eq!(header["__metadata__"]["sha256"], digest.as_str());
}

#[test]
fn sha256_of_a_known_text_is_the_published_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abc");
    weights_support::write(&path, b"abc");
    // FIPS 180-2, appendix B.1.
    let published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(weights::sha256(&path).unwrap(), published);
}

#[test]
fn half_rounds_to_eleven_bits_and_halves_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.safetensors");
    let deepest = Layer::new(1, 2);
    weights_support::write(
        &path,
        &safetensors(&VGG19_CAFFE, &network(Model::Vgg19, deepest, Tensor::f32)),
    );
    let (single, _) = imported(&path, Precision::Single);
    let (half, weights) = imported(&path, Precision::Half);
    let size = |folder: &TempDir| {
        folder
            .path()
            .join("out.safetensors")
            .metadata()
            .unwrap()
            .len()
    };
    assert!(size(&half) * 100 < size(&single) * 51);
    let (kernel, _) = layer_values(deepest);
    for (&found, &exact) in weights.convolutions[&deepest].weight.iter().zip(&kernel) {
        let bound = exact.abs() * 2.0_f32.powi(-11) + 2.0_f32.powi(-25);
        assert!((found - exact).abs() <= bound, "{found} is not {exact}");
    }
}

#[test]
fn values_too_large_for_half_are_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.safetensors");
    let mut tensors = network(Model::Vgg19, FIRST, Tensor::f32);
    tensors[1].bytes[..4].copy_from_slice(&1e5_f32.to_le_bytes());
    weights_support::write(&path, &safetensors(&VGG19_CAFFE, &tensors));
    let output = folder.path().join("out.safetensors");
    let options = Import {
        output: Some(output.clone()),
        precision: Precision::Half,
        model: None,
    };
    let error = weights::import(&path, &options, folder.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("block1_conv1.bias holds 1 values too large for F16"),
        "{error}"
    );
    assert!(!output.exists());
}

#[test]
fn a_file_that_fits_both_networks_needs_to_be_told_which() {
    let folder = tempfile::tempdir().unwrap();
    let error =
        weights::import(&fixture("keras.h5"), &Import::default(), folder.path()).unwrap_err();
    assert!(error.to_string().contains("give --model"), "{error}");
    let options = Import {
        model: Some(Model::Vgg16),
        ..Import::default()
    };
    let imported = weights::import(&fixture("keras.h5"), &options, folder.path()).unwrap();
    assert_eq!(imported.path, folder.path().join("vgg16.safetensors"));
}

#[test]
fn whole_files_of_every_format_agree_to_the_last_bit() {
    let Some(folder) = std::env::var_os("NST_TEST_FULL_WEIGHTS").map(PathBuf::from) else {
        eprintln!(
            "skipped: NST_TEST_FULL_WEIGHTS names no folder (tests/fixtures/weights/make.py FOLDER \
             makes one)"
        );
        return;
    };
    for model in Model::ALL {
        for kind in [".h5", "_later.h5", "_zip.pth", "_legacy.pth"] {
            let file = folder.join(format!("{model}{kind}"));
            let cache = tempfile::tempdir().unwrap();
            let imported = weights::import(&file, &Import::default(), cache.path()).unwrap();
            assert_eq!(imported.model, model);
            let weights = weights::load(&imported.path, model, imported.deepest).unwrap();
            assert_eq!(weights.convolutions.len(), model.layers().count());
            assert_seeded(&weights);
        }
    }
}

#[test]
fn the_table_knows_its_files_by_digest_only() {
    // Same size as a published file, other bytes.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vgg16.h5");
    let bytes = weights::Source::of(Model::Vgg16, Publisher::Keras).bytes;
    std::fs::copy(fixture("keras.h5"), &path).unwrap();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(bytes)
        .unwrap();
    let options = Import {
        model: Some(Model::Vgg16),
        ..Import::default()
    };
    let imported = weights::import(&path, &options, folder.path()).unwrap();
    assert_eq!(imported.source, None);
}
