mod card;
mod cpu;

use super::super::{Colour, InputSizes, Job, Plan, Scale};
use crate::arch::{Layer, Model};
use crate::loss::LayerWeight;
use crate::optimize::Method;
use crate::tiles::Tiling;

/// Bytes of the process itself: code, threads, what allocators keep, and the kernels' own buffers.
const PROCESS: u64 = 100 << 20;
/// Bytes of a card's pools that no map fills.
const CARD: u64 = 60 << 20;
/// A card holds filters for both directions.
const DIRECTIONS: u64 = 2;
/// What a card's pools take for a byte that is alive.
const POOLING: f64 = 1.15;
/// Pictures the loop holds: the current one, its gradient, the photo, and the last good one, or
/// what is on the way between them. An optimiser has as many again of what it remembers.
const PICTURES: usize = 4;
/// Bytes of a picture's pixel: three f32.
const PIXEL: u64 = 12;
/// Pictures made while one is read, resized and encoded.
const COPIES: u64 = 2;
/// Bytes of a mask's pixel: an f32, once as given and once with its target.
const MASK_PIXEL: u64 = 8;

/// The most memory, in bytes, that a run on the CPU takes, from sizes, layers and settings.
///
/// Measured against the process's own peak by `tests/memory.rs`: within 15 %.
pub fn predict(job: &Job, plan: &Plan, inputs: &InputSizes) -> u64 {
    let files = inputs.styles.iter().chain([&inputs.content]);
    let files: u64 = files.map(|&size| PIXEL * pixels(size)).sum();
    // Pictures with other colours lie beside those given.
    let prepared = if job.colour == Colour::Style {
        0
    } else {
        files
    };
    let given = files + prepared + MASK_PIXEL * inputs.masks as u64;
    let drawn = COPIES * PIXEL * pixels(plan.size());
    // A checkpoint is written a picture at a time.
    let kept = u64::from(inputs.checkpoint) * PIXEL * pixels(plan.size());
    let compute = compute(job, plan, inputs, [cpu::target, cpu::step]);
    PROCESS + weights(job.model, plan.deepest) + given + drawn + kept + compute
}

/// The most of a graphics card's memory, in bytes, that a run on it takes.
///
/// Measured against what the runtime had reserved on an NVIDIA H200 (1024 px) and on a software driver
/// (256 px): within 6 %.
pub fn predict_on_card(job: &Job, plan: &Plan, inputs: &InputSizes) -> u64 {
    let filters = DIRECTIONS * weights(job.model, plan.deepest);
    let compute = compute(job, plan, inputs, [card::target, card::step]);
    CARD + filters + (POOLING * compute as f64) as u64
}

/// Bytes of the maps that are alive at once at a scale: of its step, or while the target of a style picture of
/// this size is computed.
type Maps = fn(&Job, &InputSizes, &Scale, (usize, usize)) -> f64;

/// Bytes of maps and pictures at the scale that takes most.
fn compute(job: &Job, plan: &Plan, inputs: &InputSizes, [target, step]: [Maps; 2]) -> u64 {
    let scale = |scale: &Scale| {
        let targets = scale.styles.iter();
        let targets = targets.map(|&size| target(job, inputs, scale, size) as u64);
        let kept = maps(&job.loss.content_layers, scale.size) as u64;
        let step = step(job, inputs, scale, scale.size) as u64;
        let step = step + kept + loop_pictures(job, scale.size);
        targets.max().unwrap_or(0).max(step)
    };
    plan.scales.iter().map(scale).max().unwrap_or(0)
}

/// The largest buffer, in bytes, that a run on a graphics card makes: a map of the first block as a
/// tile sees it, the photo's features at a content layer, or a picture.
pub fn largest_buffer(job: &Job, plan: &Plan) -> u64 {
    let first = |tiling, size| map(Layer::new(1, 1), seen(tiling, size)) as u64;
    let largest = |scale: &Scale| {
        let maps = scale.sizes().map(|size| first(scale.tiling, size));
        let content = job.loss.content_layers.iter();
        let content = content.map(|l| map(l.layer, scale.size) as u64);
        let pictures = scale.sizes().map(|size| PIXEL * pixels(size));
        maps.chain(content).chain(pictures).max()
    };
    plan.scales.iter().filter_map(largest).max().unwrap_or(0)
}

fn pixels((width, height): (usize, usize)) -> u64 {
    width as u64 * height as u64
}

/// Width and height of what the network sees at once: the picture, or a tile with its halo.
fn seen(tiling: Tiling, (width, height): (usize, usize)) -> (usize, usize) {
    let [rows, columns] = tiling.most_seen([height, width]);
    (columns, rows)
}

/// Bytes of a layer's map of a picture.
fn map(layer: Layer, size: (usize, usize)) -> f64 {
    (4 * layer.outputs() as u64 * (pixels(size) >> (2 * layer.halvings()))) as f64
}

/// Bytes of the maps of some layers.
fn maps(layers: &[LayerWeight], size: (usize, usize)) -> f64 {
    layers.iter().map(|l| map(l.layer, size)).sum()
}

/// Bytes of the largest map that a style mask leaves a part of, beside the map.
fn guided(job: &Job, inputs: &InputSizes, size: (usize, usize)) -> f64 {
    let layers = job.loss.style_layers.iter().filter(|_| inputs.style_masks);
    layers.map(|l| map(l.layer, size)).fold(0.0, f64::max)
}

fn loop_pictures(job: &Job, size: (usize, usize)) -> u64 {
    let optimiser = match job.optimize.method {
        Method::Adam => 4,
        Method::Lbfgs => 2 * job.optimize.history + 10,
        Method::GradientDescent => 0,
    };
    (PICTURES + optimiser) as u64 * PIXEL * pixels(size)
}

/// Bytes of the filters, from the picture to `deepest`.
fn weights(model: Model, deepest: Layer) -> u64 {
    let layers = model.layers_to(deepest);
    layers.map(|l| 36 * (l.inputs() * l.outputs()) as u64).sum()
}
