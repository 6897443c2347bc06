//! What the tests share: real weights where they are, seeded ones everywhere.
#![allow(dead_code, reason = "each test file uses a part of it")]

#[cfg(feature = "cli")]
pub mod batch;
#[cfg(feature = "studio")]
pub mod browser;
#[cfg(feature = "studio")]
pub mod served;
pub mod studio;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use burn::tensor::{Device, Tensor};
use nst::loss::{LossTerms, Objective, Settings};
use nst::optimize::losses_and_gradient;
use nst::picture::{Limits, decode};
use nst::tiles::{Tile, Tiling};
use nst::vgg::{Layer, Model, Vgg};
use nst::weights::{self, Convolution, Origin, Place, Preprocessing, Weights};
use rand::{RngExt, SeedableRng};

/// A file of the folder `shared` beside the checkout, which only tests that are ignored may need.
#[track_caller]
pub fn shared(path: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared")
        .join(path);
    assert!(file.exists(), "{} is not here", file.display());
    file
}

/// ImageNet's VGG19 on a device, from `shared`.
pub fn imagenet(device: &Device) -> Vgg {
    let file = shared("weights/vgg19.safetensors");
    let weights = weights::load(&file, Model::Vgg19, Layer::new(5, 2)).unwrap();
    Vgg::new(weights, device)
}

/// A network with small seeded weights: He-scaled noise, so that features neither vanish nor
/// explode.
pub fn seeded(model: Model, seed: u64) -> Weights {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut noise = |count: usize, scale: f32| -> Vec<f32> {
        (0..count)
            .map(|_| (random.random::<f32>() - 0.5) * scale)
            .collect()
    };
    let convolutions: BTreeMap<_, _> = model
        .layers()
        .map(|layer| {
            let inputs = 9 * layer.inputs();
            let weight = noise(inputs * layer.outputs(), (24.0 / inputs as f32).sqrt());
            let bias = noise(layer.outputs(), 0.2);
            (layer, Convolution { weight, bias })
        })
        .collect();
    Weights {
        model,
        preprocessing: Preprocessing::Torchvision,
        convolutions,
        origin: Origin {
            place: Place::BuiltIn,
            source: None,
            licence: None,
        },
    }
}

/// A reference picture as a tensor `[1, 3, height, width]`.
pub fn tensor(path: &Path, device: &Device) -> Tensor<4> {
    nst::to_tensor(&decode(path, &Limits::default()).unwrap(), device)
}

/// A tensor's numbers in order.
pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Seeded uniform noise as a picture tensor.
pub fn noise(height: usize, width: usize, seed: u64, device: &Device) -> Tensor<4> {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..3 * height * width).map(|_| random.random()).collect();
    Tensor::from_data(
        burn::tensor::TensorData::new(values, [1, 3, height, width]),
        device,
    )
}

/// |a - b| <= relative * max(|b|, floor), with both numbers in the message.
#[track_caller]
pub fn assert_close(what: &str, found: f64, expected: f64, relative: f64) {
    let error = (found - expected).abs() / expected.abs().max(1e-12);
    assert!(
        error <= relative,
        "{what}: {found} is not {expected} (off by {error:.2e}, allowed {relative:.0e})"
    );
}

/// The losses of one painting without masks.
pub fn objective(
    settings: &Settings,
    content: &Tensor<4>,
    style: &Tensor<4>,
    vgg: &Vgg,
) -> Objective {
    let styles = [style.clone().into()];
    Objective::new(settings, content, &styles, vgg, Tiling::default())
}

/// The losses of a picture as a whole and their gradient.
pub fn measure(vgg: &Vgg, objective: &Objective, x: &Tensor<4>) -> (LossTerms, Tensor<4>) {
    let [_, _, height, width] = x.dims();
    measure_tiles(vgg, objective, &[Tile::whole([height, width])], x)
}

/// The same over tiles.
pub fn measure_tiles(
    vgg: &Vgg,
    objective: &Objective,
    tiles: &[Tile],
    x: &Tensor<4>,
) -> (LossTerms, Tensor<4>) {
    let on_tile = &mut |_| ControlFlow::Continue(());
    let measured = losses_and_gradient(vgg, objective, tiles, x, on_tile).unwrap();
    measured.expect("nobody gives it up")
}

/// The mean error of a picture's samples within two pixels of a border between tiles of `side`, over
/// that of all others.
pub fn seam_ratio(off: &[f32], [height, width]: [usize; 2], side: usize) -> f64 {
    let (mut seams, mut rest) = ((0.0, 0), (0.0, 0));
    for (k, &off) in off.iter().enumerate() {
        let (y, x) = (k / width % height, k % width);
        let near = |v: usize| v > 2 && (v + 1) % side < 3;
        let sum = if near(y) || near(x) {
            &mut seams
        } else {
            &mut rest
        };
        *sum = (sum.0 + f64::from(off), sum.1 + 1);
    }
    let mean = |(sum, count): (f64, u32)| sum / f64::from(count);
    mean(seams) / mean(rest).max(f64::MIN_POSITIVE)
}

/// A seeded VGG16 to its third block on flex, made once for all tests of a file.
pub fn three_blocks() -> Vgg {
    static SHARED: OnceLock<Vgg> = OnceLock::new();
    let make = || {
        let mut weights = seeded(Model::Vgg16, 11);
        weights.convolutions.retain(|layer, _| layer.block <= 3);
        Vgg::new(weights, &Device::flex())
    };
    SHARED.get_or_init(make).clone()
}
