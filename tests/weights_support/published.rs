//! A small file that plays the part of a published one.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use nst::vgg::{Layer, Model};
use nst::weights::{self, Digest, Internet, Publisher, Source};

use super::{Tensor, layer_values, network, safetensors};

/// Its deepest layer.
pub const DEEPEST: Layer = Layer::new(2, 1);

/// A published file: 450 kB of seeded VGG16.
pub fn published() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let metadata = [("model", "vgg16"), ("preprocessing", "caffe")];
        safetensors(&metadata, &network(Model::Vgg16, DEEPEST, Tensor::f32))
    })
}

/// The table's entry for it.
pub fn source(url: &str) -> Source {
    static SHA256: OnceLock<String> = OnceLock::new();
    let sha256 = SHA256.get_or_init(|| {
        // A child process on a full disk cannot write the file to hash it.
        if let Ok(digest) = std::env::var("NST_TEST_SHA256") {
            return digest;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        super::write(file.path(), published());
        weights::sha256(file.path()).unwrap()
    });
    Source {
        publisher: Publisher::Keras,
        model: Model::Vgg16,
        url: url.to_owned().leak(),
        bytes: published().len() as u64,
        digest: Digest::Sha256(sha256),
        licence: "CC0",
    }
}

pub fn sha256(digest: Digest) -> &'static str {
    let (Digest::Md5(hex) | Digest::Sha256(hex)) = digest;
    hex
}

/// Impatient, and deaf to the proxies of whoever runs the tests.
pub fn impatient() -> Internet {
    Internet {
        proxies: false,
        answer: Duration::from_secs(1),
        stall: Duration::from_millis(1500),
        backoff: Duration::from_millis(10),
        ..Internet::default()
    }
}

pub fn assert_published(path: &Path) {
    let weights = weights::load(path, Model::Vgg16, DEEPEST).unwrap();
    assert_eq!(weights.convolutions.len(), 3);
    for (&layer, convolution) in &weights.convolutions {
        assert!(convolution.weight == layer_values(layer).0, "{layer}");
    }
}

/// The visible files of a folder.
pub fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}
