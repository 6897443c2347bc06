//! The GPU backend against the CPU, on whatever adapter there is, a software one included.
#![cfg(feature = "gpu")]

mod common;

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::{Device, Tensor};
use common::{noise, numbers, objective, seeded};
use nst::device;
use nst::kernels::card;
use nst::loss::{Objective, Settings};
use nst::optimize::{Adam, Lbfgs};
use nst::tiles::{Tile, Tiling};
use nst::vgg::{Layer, Model, Padding, Pooling, Vgg};
use nst::weights::Weights;

/// The differences over the largest number of `expected`.
fn differences(found: &[f32], expected: &[f32]) -> Vec<f32> {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    let off = found.iter().zip(expected).map(|(f, e)| (f - e).abs());
    off.map(|off| off / largest).collect()
}

/// The largest of them.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    largest(&differences(found, expected))
}

fn largest(off: &[f32]) -> f32 {
    off.iter().copied().fold(0.0, f32::max)
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

/// The graphics card, for one test at a time: some measure its memory.
struct Card {
    device: Device,
    _alone: MutexGuard<'static, ()>,
}

/// The graphics card, which is named, or none, and why is said.
fn card() -> Option<Card> {
    static ONE: Mutex<()> = Mutex::new(());
    let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    match device::gpu(device::Slot::Best) {
        Ok((device, adapter)) => {
            eprintln!("on {adapter}");
            Some(Card {
                device,
                _alone: alone,
            })
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
        measure(&gpu.device, height, width),
    );
    for ((layer, found), (_, expected)) in gpu.features.iter().zip(&cpu.features) {
        let off = difference(found, expected);
        assert!(off < 1e-3, "{layer} is off by {off}");
    }
    common::assert_close("total", gpu.total.into(), cpu.total.into(), 1e-3);
    let off = difference(&gpu.gradient, &cpu.gradient);
    assert!(off < 1e-3, "the gradient is off by {off}");
}

/// Seeded weights of a VGG16 to its second block, and losses that look at its layers.
fn two_blocks() -> (Weights, Settings) {
    let mut weights = seeded(Model::Vgg16, 11);
    weights.convolutions.retain(|layer, _| layer.block <= 2);
    let settings = Settings {
        content_layers: vec![Layer::new(2, 1).into()],
        style_layers: [1, 2].map(|block| Layer::new(block, 1).into()).into(),
        ..Settings::default()
    };
    (weights, settings)
}

#[test]
fn odd_sizes_every_pool_and_every_border_agree_with_the_cpu() {
    let Some(gpu) = card() else {
        return;
    };
    for pooling in [Pooling::Max, Pooling::Average] {
        for padding in [Padding::Zero, Padding::Replicate] {
            let measured = |device: &Device| {
                let (weights, settings) = two_blocks();
                let vgg = Vgg::new(weights, device).with(pooling, padding);
                let content = noise(37, 29, 1, device);
                let objective = objective(&settings, &content, &noise(31, 40, 2, device), &vgg);
                let (terms, gradient) =
                    common::measure(&vgg, &objective, &noise(37, 29, 3, device));
                (terms.total, numbers(gradient))
            };
            let (expected, found) = (measured(&device::cpu()), measured(&gpu.device));
            common::assert_close("total", found.0.into(), expected.0.into(), 1e-3);
            let off = difference(&found.1, &expected.1);
            assert!(off < 1e-3, "{pooling:?}, {padding:?}: off by {off}");
        }
    }
}

/// Steps of Adam on noise of such a side: every total loss, and the device's memory after it.
fn steps(device: &Device, side: usize, count: usize) -> Vec<(f32, Option<card::CardMemory>)> {
    let (weights, settings) = two_blocks();
    let vgg = Vgg::new(weights, device);
    let content = noise(side, side, 1, device);
    let objective = objective(&settings, &content, &noise(side, side, 2, device), &vgg);
    let (mut x, mut adam) = (content, Adam::new(0.02));
    let step = |_| {
        let (terms, gradient) = common::measure(&vgg, &objective, &x);
        x = adam.update(x.clone(), gradient).clamp(0.0, 1.0);
        device.sync().unwrap();
        (terms.total, card::memory(device))
    };
    (0..count).map(step).collect()
}

#[test]
fn two_scales_of_steps_have_the_losses_that_they_have_on_the_cpu() {
    let Some(gpu) = card() else {
        return;
    };
    // At 256 px the columns of a window would be more than the software driver can bind.
    for (side, count) in [(256, 2), (48, 12)] {
        let expected = steps(&device::cpu(), side, count);
        let found = steps(&gpu.device, side, count);
        for (step, (expected, found)) in expected.iter().zip(&found).enumerate() {
            let what = format!("step {step} at {side} px");
            common::assert_close(&what, found.0.into(), expected.0.into(), 1e-3);
        }
    }
}

#[test]
fn two_hundred_steps_take_a_mebibyte_more_than_twenty_at_most() {
    let Some(gpu) = card() else {
        return;
    };
    let memory: Vec<_> = steps(&gpu.device, 32, 200)
        .into_iter()
        .map(|(_, memory)| memory.expect("a card has memory").reserved)
        .collect();
    let grown = memory[199] - memory[19];
    assert!(grown <= 1 << 20, "{grown} bytes");
}

#[test]
fn a_step_launches_few_kernels_and_keeps_little_for_its_gradient() {
    let Some(card) = card() else {
        return;
    };
    let (gpu, side) = (card.device.clone(), 128);
    let vgg = Vgg::new(seeded(Model::Vgg19, 5), &gpu);
    let content = noise(side, side, 1, &gpu);
    let objective = objective(&Settings::default(), &content, &content, &vgg);
    let x = noise(side, side, 3, &gpu).autodiff().require_grad();
    let forward = || {
        let measured = objective.measure(&vgg, &x, &Tile::whole([side, side]));
        let (_, slopes) = objective.terms(&measured);
        measured.along(&slopes)
    };
    // The first step writes what all later ones find.
    drop(forward().backward());
    let in_use = || card::memory(&gpu).expect("a card has memory").in_use;
    gpu.sync().unwrap();
    let before = in_use();
    let (root, seen) = card::launches(false, forward);
    gpu.sync().unwrap();
    let kept = (in_use() - before) * (1024 / side as u64).pow(2);
    assert!(kept <= 1 << 30, "{kept} bytes for 1024 px");
    let (_, back) = card::launches(false, || root.backward());
    let count = |seen: &std::collections::BTreeMap<String, card::Launches>| -> usize {
        seen.values().map(|launches| launches.count).sum()
    };
    let all = count(&seen) + count(&back);
    eprintln!("{kept} bytes kept at 1024 px, {all} launches");
    assert!(all <= 60, "{all} launches: {seen:?} {back:?}");
}

/// Every number that an optimiser waits for comes out of the kernel `Total`.
#[test]
fn a_step_of_lbfgs_reads_the_card_once() {
    let Some(card) = card() else {
        return;
    };
    let (gpu, side) = (&card.device, 48);
    let (weights, settings) = two_blocks();
    let vgg = Vgg::new(weights, gpu);
    let content = noise(side, side, 1, gpu);
    let objective = objective(&settings, &content, &noise(side, side, 2, gpu), &vgg);
    let (mut x, mut lbfgs) = (content, Lbfgs::new(10));
    for step in 0..15 {
        let (terms, gradient) = common::measure(&vgg, &objective, &x);
        let update = || lbfgs.update(x.clone(), &gradient, terms.total);
        let (trial, seen) = card::launches(false, update);
        x = trial;
        let reads = seen.get("Total").expect("a number is read").count;
        assert_eq!(reads, 1, "step {step}: {seen:?}");
        let all: usize = seen.values().map(|launches| launches.count).sum();
        assert!(all <= 14, "step {step}: {all} launches: {seen:?}");
    }
}

/// The sides of the tiles of a picture of 1024x768 px on a card.
const TILE: usize = 224;

/// Losses and gradient of noise of 1024x768 px, by a network of two blocks, so that the halo is small:
/// a card that binds 128 MiB of a buffer, as Debian's software driver, could not see the whole
/// picture's maps. Without `kinks` every ReLU is on and pools take averages.
fn large(device: &Device, kinks: bool, tiling: Tiling) -> (f32, Vec<f32>) {
    let (mut weights, settings) = two_blocks();
    let mut pooling = Pooling::Max;
    if !kinks {
        let biases = weights.convolutions.values_mut().map(|c| &mut c.bias);
        biases.flatten().for_each(|bias| *bias += 30.0);
        pooling = Pooling::Average;
    }
    let vgg = Vgg::new(weights, device).with(pooling, Padding::Zero);
    let styles = [noise(128, 96, 5, device).into()];
    let content = noise(768, 1024, 1, device);
    let objective = Objective::new(&settings, &content, &styles, &vgg, tiling);
    let tiles = tiling.of([768, 1024]);
    let x = noise(768, 1024, 3, device);
    let (terms, gradient) = common::measure_tiles(&vgg, &objective, &tiles, &x);
    (terms.total, numbers(gradient))
}

/// Errors of the gradient in tiles on the card, of the largest of the whole one's on the CPU.
fn off_in_tiles(card: &Device, kinks: bool) -> Vec<f32> {
    let tiling = Tiling {
        side: Some(TILE),
        halo: Model::Vgg16.reach(Layer::new(2, 1)),
    };
    let (expected, whole) = large(&device::cpu(), kinks, Tiling::default());
    let (found, tiled) = large(card, kinks, tiling);
    common::assert_close("total", found.into(), expected.into(), 1e-3);
    differences(&tiled, &whole)
}

#[test]
#[ignore = "1024 px on the graphics card: two minutes on a software one"]
fn a_step_of_1024_px_in_tiles_agrees_with_the_cpu() {
    let Some(card) = card() else {
        return;
    };
    let off = off_in_tiles(&card.device, false);
    let worst = largest(&off);
    let seams = common::seam_ratio(&off, [768, 1024], TILE);
    eprintln!("without kinks: off by {worst}, along the seams {seams} times as far as elsewhere");
    assert!(worst < 1e-3, "the gradient is off by {worst}");
    assert!(seams < 2.0, "{seams} times as far along the seams");
    // Among 38 million activations rounding turns a few ReLUs and maxima, each of which moves the
    // samples around it.
    let off = off_in_tiles(&card.device, true);
    let turned = off.iter().filter(|off| **off > 1e-3).count();
    eprintln!(
        "with kinks: {turned} of {} samples are off by more",
        off.len()
    );
    assert!(
        turned * 5000 <= off.len(),
        "{turned} samples are off by more"
    );
}
