//! Maps in a graphics card's memory, which keeps every map of a style layer for its gradient.

use super::{guided, map, maps, seen};
use crate::arch::{Layer, Padding};
use crate::job::{InputSizes, Job, Scale};
use crate::loss::StyleLoss;

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
/// Bytes of the widest maps on the way through the network.
fn working(job: &Job, size: (usize, usize)) -> f64 {
    let replicated = match job.padding {
        Padding::Zero => 0.0,
        Padding::Replicate => REPLICATED_MAPS,
    };
    (WORKING_MAPS + replicated) * map(Layer::new(1, 1), size)
}

/// Bytes while the targets of a style picture are computed.
pub fn target(job: &Job, inputs: &InputSizes, scale: &Scale, size: (usize, usize)) -> f64 {
    let size = seen(scale.tiling, size);
    let styles = maps(&job.loss.style_layers, size);
    styles + guided(job, inputs, size) + working(job, size)
}

/// Bytes of the maps in a step.
pub fn step(job: &Job, inputs: &InputSizes, scale: &Scale, size: (usize, usize)) -> f64 {
    let size = seen(scale.tiling, size);
    let copies = match (inputs.regions, job.loss.style_loss) {
        (0, StyleLoss::Gram) => 1.0,
        (0, StyleLoss::Wasserstein) => MEAN_MAPS,
        (regions, _) => REGION_MAPS * regions as f64,
    };
    let tiles = scale.tiling.side.map_or(0.0, |_| TILE_MAPS);
    let style = (copies + tiles) * maps(&job.loss.style_layers, size);
    let content = CONTENT_MAPS * maps(&job.loss.content_layers, size);
    style + content + working(job, size)
}
