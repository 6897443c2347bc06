//! Maps in the machine's memory, as the CPU's kernels need them: the first layer's are the largest by far, and
//! are made again from the picture where they are wanted twice.
//!
//! All factors are measured (`tests/memory.rs`), and hold what the kernels keep to use again.

use super::{guided, map, maps, seen};
use crate::arch::{Layer, Padding};
use crate::job::{InputSizes, Job, Scale};
use crate::loss::StyleLoss;

/// First-layer maps while the network runs forward, and while its gradient reaches the picture.
const FORWARD: f64 = 1.45;
const BACK: f64 = 1.35;
/// The same with a replicated border: the larger map, the part of it within the border, both gradients.
const REPLICATED: f64 = 4.0;
/// Of a style layer that keeps its map: the map and its gradient.
const STYLE: f64 = 2.5;
/// Of a content layer in a step, beside the whole picture's target: features, their difference, gradients.
const CONTENT: f64 = 3.75;
/// Of all maps that are kept at once.
const KEPT: f64 = 1.25;
/// First-layer maps in regions, and more for each: what comes back to the map that they are parts of.
const REGIONS: f64 = 0.5;
/// First-layer maps for the means of a region or a tile, beside the Gram matrix.
const MEANS: f64 = 1.0;

/// While the target of a style picture is computed.
pub fn target(job: &Job, inputs: &InputSizes, scale: &Scale, size: (usize, usize)) -> f64 {
    let size = seen(scale.tiling, size);
    FORWARD * first(size) + guided(job, inputs, size)
}

/// In a step.
pub fn step(job: &Job, inputs: &InputSizes, scale: &Scale, size: (usize, usize)) -> f64 {
    let size = seen(scale.tiling, size);
    let means = match job.loss.style_loss {
        StyleLoss::Gram => 0.0,
        StyleLoss::Wasserstein => MEANS * first(size),
    };
    let parts = match (inputs.regions as f64, scale.tiling.side) {
        (0.0, None) => 0.0,
        (0.0, Some(side)) => owned(job, side, size) + means,
        (regions, _) => {
            let kept = maps(&job.loss.style_layers, size) + REGIONS * first(size) + means;
            regions * kept - (BACK - REGIONS) * first(size)
        }
    };
    widest(job, size) + parts
}

/// At the layer that takes most, in a picture or a tile without regions.
fn widest(job: &Job, size: (usize, usize)) -> f64 {
    let back = match job.padding {
        Padding::Zero => BACK,
        Padding::Replicate => REPLICATED,
    };
    let style = job.loss.style_layers.iter().map(|l| l.layer);
    let style: Vec<_> = style.filter(|&layer| layer != FIRST).collect();
    let kept: f64 = style.iter().map(|&layer| map(layer, size)).sum();
    let style = style.iter().map(|&layer| STYLE * map(layer, size));
    let content = job.loss.content_layers.iter();
    let content = content.map(|l| CONTENT * map(l.layer, size));
    let least = (back * first(size)).max(KEPT * kept);
    style.chain(content).fold(least, f64::max)
}

/// The part of the first layer's map that a tile of this side owns, if a style layer keeps it.
fn owned(job: &Job, side: usize, (width, height): (usize, usize)) -> f64 {
    let keeps = job.loss.style_layers.iter().any(|l| l.layer == FIRST);
    if keeps {
        first((width.min(side), height.min(side)))
    } else {
        0.0
    }
}

const FIRST: Layer = Layer::new(1, 1);

fn first(size: (usize, usize)) -> f64 {
    map(FIRST, size)
}
