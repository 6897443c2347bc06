//! How much memory a transfer takes, and how much there is.

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::{InputSizes, Job, JobError, Plan, Scale, Size};
use crate::arch::{Layer, Model};
use crate::optimize::Method;

/// Bytes of the process itself: code, threads, and what allocators keep.
const PROCESS: u64 = 60 << 20;
/// First-layer maps that are alive at once beside those that are kept: one that is written, and a
/// pooled one that is read.
const WORKING_MAPS: f64 = 1.25;
/// Maps of a content layer in a step: the picture's, the target, their difference and its gradient.
const CONTENT_MAPS: u64 = 4;
/// Pictures the loop holds: the current one, its gradient, the average, the last good state, and
/// what is on the way between them.
const PICTURES: usize = 8;
/// Bytes of a picture's pixel: three f32.
const PIXEL: u64 = 12;
/// Pictures made while one is read, resized and encoded.
const COPIES: u64 = 3;

/// The most memory, in bytes, that a run on the CPU takes, from sizes, layers and settings.
///
/// Measured against the process's own peak by `tests/memory.rs`: within 20 %.
pub fn predict(job: &Job, plan: &Plan, inputs: &InputSizes) -> u64 {
    let files = inputs.styles.iter().chain([&inputs.content]);
    let given: u64 = files.map(|&size| PIXEL * pixels(size)).sum();
    let scale = |scale: &Scale| {
        let targets = scale
            .styles
            .iter()
            .map(|&size| maps(job, pixels(size), false));
        let step = maps(job, pixels(scale.size), true) + loop_pictures(job, scale.size);
        targets.max().unwrap_or(0).max(step)
    };
    let compute = plan.scales.iter().map(scale).max().unwrap_or(0);
    let drawn = COPIES * PIXEL * pixels(plan.size());
    PROCESS + weights(job.model, plan.deepest) + given + drawn + compute
}

fn pixels((width, height): (usize, usize)) -> u64 {
    width as u64 * height as u64
}

/// Bytes of a layer's map for a picture of so many pixels.
fn map(layer: Layer, pixels: u64) -> u64 {
    4 * layer.outputs() as u64 * (pixels >> (2 * layer.halvings()))
}

/// Bytes of the maps of one run of the network: those the losses keep and the widest ones on the
/// way.
fn maps(job: &Job, pixels: u64, in_a_step: bool) -> u64 {
    let bytes = |layer: Layer| map(layer, pixels);
    let style: u64 = job.loss.style_layers.iter().map(|l| bytes(l.layer)).sum();
    let content: u64 = job.loss.content_layers.iter().map(|l| bytes(l.layer)).sum();
    let widest = bytes(Layer::new(1, 1)) as f64;
    let content = if in_a_step { CONTENT_MAPS * content } else { 0 };
    style + content + (WORKING_MAPS * widest) as u64
}

fn loop_pictures(job: &Job, size: (usize, usize)) -> u64 {
    let optimiser = match job.optimize.method {
        Method::Adam => 4,
        Method::Lbfgs => 2 * job.optimize.history + 8,
        Method::GradientDescent => 0,
    };
    (PICTURES + optimiser) as u64 * PIXEL * pixels(size)
}

/// Bytes of the filters, from the picture to `deepest`.
fn weights(model: Model, deepest: Layer) -> u64 {
    let layers = model.layers_to(deepest);
    layers.map(|l| 36 * (l.inputs() * l.outputs()) as u64).sum()
}

/// Memory that a new process may take now, in bytes: what is free on this machine, or left in its
/// container. None where the system does not say.
pub fn free() -> Option<u64> {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(memory).ok()?;
    let container = system.cgroup_limits().map(|limits| limits.free_memory);
    let machine = Some(system.available_memory()).filter(|&bytes| bytes > 0);
    machine.into_iter().chain(container).min()
}

/// The largest long side, in pixels, whose run fits into `limit` bytes, and at which the deepest
/// layer still exists.
///
/// # Errors
///
/// If the job cannot be, at any size.
pub fn largest_size(job: &Job, inputs: &InputSizes, limit: u64) -> Result<Option<usize>, JobError> {
    let fits = |long: usize| {
        let smaller = Job {
            size: Size::Long(long),
            ..job.clone()
        };
        let plan = smaller.plan(inputs);
        plan.is_ok_and(|plan| predict(&smaller, &plan, inputs) <= limit)
    };
    let plan = job.plan(inputs)?;
    let (mut low, mut high) = (1, plan.size().0.max(plan.size().1));
    // Sizes too small for the deepest layer do not fit either, so the search starts at one that
    // has it.
    while low < high && !fits(low) {
        low = (2 * low).min(high);
    }
    if !fits(low) {
        return Ok(None);
    }
    while low + 1 < high {
        let middle = usize::midpoint(low, high);
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(Some(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(side: usize) -> InputSizes {
        InputSizes {
            content: (side, side),
            styles: vec![(side, side)],
        }
    }

    fn at(size: usize) -> u64 {
        let job = Job {
            size: Size::Long(size),
            ..Job::default()
        };
        let inputs = square(1000);
        predict(&job, &job.plan(&inputs).unwrap(), &inputs)
    }

    #[test]
    fn memory_grows_with_the_area() {
        let (small, middle, large) = (at(512), at(1024), at(2048));
        let ratio = (large - middle) as f64 / (middle - small) as f64;
        assert!((3.9..4.1).contains(&ratio), "{ratio}");
    }

    #[test]
    fn the_largest_size_fits_and_the_next_does_not() {
        let job = Job {
            size: Size::Long(4000),
            ..Job::default()
        };
        let limit = 2 << 30;
        let best = largest_size(&job, &square(1000), limit).unwrap().unwrap();
        assert!(at(best) <= limit && at(best + 1) > limit, "{best}");
    }

    #[test]
    fn nothing_fits_into_no_memory() {
        assert_eq!(
            largest_size(&Job::default(), &square(500), 1 << 20),
            Ok(None)
        );
    }

    #[test]
    fn this_machine_says_how_much_is_free() {
        assert!(free().is_some_and(|bytes| bytes > 1 << 20));
    }
}
