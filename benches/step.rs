//! One whole step (forward, losses, gradient, Adam) of VGG19 to its content layer on each backend, and
//! the way from process start to the end of the first step.
//!
//!     cargo bench --bench step            # cpu
//!     NST_BENCH_GPU=1 cargo bench --bench step -- gpu
//!
//! Seeded weights: the time does not depend on their values.

#[path = "../tests/common/mod.rs"]
mod common;

use std::process::Command;

use burn::tensor::{Device, Tensor};
use common::{measure, noise, objective, seeded};
use divan::Bencher;
use nst::device;
use nst::loss::{Objective, Settings};
use nst::optimize::Adam;
use nst::vgg::{Model, Vgg};

fn main() {
    divan::main();
}

struct Setup {
    vgg: Vgg,
    objective: Objective,
    x: Tensor<4>,
    adam: Adam,
}

impl Setup {
    fn new(device: &Device, model: Model, size: usize) -> Self {
        let vgg = Vgg::new(seeded(model, 1), device);
        let content = noise(size, size, 1, device);
        let objective = objective(
            &Settings::default(),
            &content,
            &noise(size, size, 2, device),
            &vgg,
        );
        Self {
            vgg,
            objective,
            x: content,
            adam: Adam::new(0.02),
        }
    }

    fn step(&mut self) {
        let (_, gradient) = measure(&self.vgg, &self.objective, &self.x);
        self.x = self.adam.update(self.x.clone(), gradient).clamp(0.0, 1.0);
        self.x
            .device()
            .sync()
            .expect("the device computed the gradient");
    }
}

fn bench_step(bencher: Bencher<'_, '_>, device: &Device, size: usize) {
    let mut setup = Setup::new(device, Model::Vgg19, size);
    setup.step();
    bencher.bench_local(|| setup.step());
}

#[divan::bench(args = [256, 512], sample_count = 7, sample_size = 1)]
fn cpu(bencher: Bencher<'_, '_>, size: usize) {
    bench_step(bencher, &device::cpu(), size);
}

/// Off unless asked for: a software adapter would take minutes.
#[divan::bench(args = [256, 512], sample_count = 7, sample_size = 1)]
fn gpu(bencher: Bencher<'_, '_>, size: usize) {
    if std::env::var_os("NST_BENCH_GPU").is_none() {
        eprintln!("skipped: set NST_BENCH_GPU=1 to measure the GPU");
        return;
    }
    match device::gpu(device::Slot::Best) {
        Ok((device, adapter)) => {
            eprintln!("on {adapter}");
            bench_step(bencher, &device, size);
        }
        Err(error) => eprintln!("skipped: {error}"),
    }
}

/// Off unless built with `--features ndarray`; one step takes minutes.
#[divan::bench(args = [256], sample_count = 1, sample_size = 1)]
fn ndarray(bencher: Bencher<'_, '_>, size: usize) {
    match device::ndarray() {
        Ok(device) => {
            let mut setup = Setup::new(&device, Model::Vgg19, size);
            bencher.bench_local(|| setup.step());
        }
        Err(error) => eprintln!("skipped: {error}"),
    }
}

/// The binary with ImageNet's weights, 256 px, one step.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn start_to_first_step(bencher: Bencher<'_, '_>) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let weights = root.join("../shared/weights/vgg19.safetensors");
    if !weights.exists() {
        eprintln!("skipped: {} is not here", weights.display());
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    bencher.bench_local(|| {
        let status = Command::new(env!("CARGO_BIN_EXE_nst"))
            .arg("--content")
            .arg(root.join("assets/content/harbour.jpg"))
            .arg("--style")
            .arg(root.join("assets/style/swirl.jpg"))
            .args([
                "--size",
                "256",
                "--steps",
                "1",
                "--quiet",
                "--overwrite",
                "--weights",
            ])
            .arg(&weights)
            .arg("-o")
            .arg(folder.path().join("out.png"))
            .status()
            .expect("the binary runs");
        assert!(status.success());
    });
}
