use super::super::{Colour, InputSizes, Job, Plan, Scale};
use crate::arch::{Layer, Model, Padding};
use crate::loss::{LayerWeight, StyleLoss};
use crate::optimize::Method;
use crate::tiles::Tiling;

/// Bytes of the process itself: code, threads, and what allocators keep.
const PROCESS: u64 = 60 << 20;
/// Bytes of a card's pools that no map fills.
const CARD: u64 = 60 << 20;
/// A card holds filters for both directions.
const DIRECTIONS: u64 = 2;
/// What a card's pools take for a byte that is alive.
const POOLING: f64 = 1.15;
/// First-layer maps that are alive at once beside those that are kept: one that is written, and a
/// pooled one that is read.
const WORKING_MAPS: f64 = 1.25;
/// More of them where the border is replicated: the larger map, its part within the border, the
/// gradients of both.
const REPLICATED_MAPS: f64 = 3.5;
/// Maps of a content layer in a step beside the whole picture's target: the features, their
/// difference and its gradient.
const CONTENT_MAPS: f64 = 3.0;
/// Maps of a style layer whose means are compared too: the map, and the gradient that comes from
/// the mean.
const MEAN_MAPS: f64 = 2.25;
/// Maps of a style layer for each region: what the guide leaves of it, and its gradient.
const REGION_MAPS: f64 = 2.0;
/// More of a style layer's map for a tile: the part that it owns, and its gradient.
const TILE_MAPS: f64 = 0.75;
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
    let compute = compute(job, plan, inputs);
    PROCESS + weights(job.model, plan.deepest) + given + drawn + kept + compute
}

/// The most of a graphics card's memory, in bytes, that a run on it takes.
///
/// Measured against what the runtime had reserved on an NVIDIA H200 (1024 px) and on a software driver
/// (256 px): within 6 %.
pub fn predict_on_card(job: &Job, plan: &Plan, inputs: &InputSizes) -> u64 {
    let filters = DIRECTIONS * weights(job.model, plan.deepest);
    CARD + filters + (POOLING * compute(job, plan, inputs) as f64) as u64
}

/// Bytes of maps and pictures at the scale that takes most.
fn compute(job: &Job, plan: &Plan, inputs: &InputSizes) -> u64 {
    let scale = |scale: &Scale| {
        let seen = |size| seen(scale.tiling, size);
        let targets = scale
            .styles
            .iter()
            .map(|&size| target(job, inputs, seen(size)));
        let kept = maps(&job.loss.content_layers, scale.size) as u64;
        let step = step(job, inputs, scale) + kept + loop_pictures(job, scale.size);
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

/// Bytes of the widest maps on the way through the network.
fn working(job: &Job, size: (usize, usize)) -> f64 {
    let replicated = match job.padding {
        Padding::Zero => 0.0,
        Padding::Replicate => REPLICATED_MAPS,
    };
    (WORKING_MAPS + replicated) * map(Layer::new(1, 1), size)
}

/// Bytes while the targets of a style picture are computed.
fn target(job: &Job, inputs: &InputSizes, size: (usize, usize)) -> u64 {
    let layers = &job.loss.style_layers;
    let guided = layers.iter().map(|l| map(l.layer, size));
    let guided = if inputs.style_masks {
        guided.fold(0.0, f64::max)
    } else {
        0.0
    };
    (maps(layers, size) + guided + working(job, size)) as u64
}

/// Bytes of the maps in a step.
fn step(job: &Job, inputs: &InputSizes, scale: &Scale) -> u64 {
    let size = seen(scale.tiling, scale.size);
    let copies = match (inputs.regions, job.loss.style_loss) {
        (0, StyleLoss::Gram) => 1.0,
        (0, StyleLoss::Wasserstein) => MEAN_MAPS,
        (regions, _) => REGION_MAPS * regions as f64,
    };
    let tiles = scale.tiling.side.map_or(0.0, |_| TILE_MAPS);
    let style = (copies + tiles) * maps(&job.loss.style_layers, size);
    let content = CONTENT_MAPS * maps(&job.loss.content_layers, size);
    (style + content + working(job, size)) as u64
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
