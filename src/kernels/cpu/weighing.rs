//! Maps whose positions count differently: a product with a number for each, and the mean of each channel.

use rayon::prelude::*;

use super::buffer::Buffer;
use super::phase::{Phase, timed};

/// Positions of a work item.
const PIECE: usize = 1 << 10;
/// Positions that one sum in float32 may have: one of all positions would be off by a hundredth for a flat
/// map of a megapixel, and its covariance by as much.
const RUN: usize = 64;

/// A channels-last map, each position times its number.
pub fn weighted(map: &[f32], numbers: &[f32]) -> Buffer {
    let mut out = Buffer::new(map.len());
    of_each(&mut out, numbers, |out, pixel, number| {
        let map = &map[pixel * out.len()..][..out.len()];
        out.iter_mut()
            .zip(map)
            .for_each(|(out, x)| *out = x * number);
    });
    out
}

/// Adds the same to another map.
pub fn add_weighted(map: &[f32], numbers: &[f32], sum: &mut [f32]) {
    of_each(sum, numbers, |sum, pixel, number| {
        let map = &map[pixel * sum.len()..][..sum.len()];
        sum.iter_mut()
            .zip(map)
            .for_each(|(sum, x)| *sum += x * number);
    });
}

/// The sum of a channels-last map over its positions, each times its weight: a number for each channel,
/// always added in the same order.
pub fn mean(map: &[f32], weights: &[f32]) -> Vec<f32> {
    let channels = map.len() / weights.len().max(1);
    let pieces = map.par_chunks((PIECE * channels).max(1));
    let pieces = pieces
        .zip(weights.par_chunks(PIECE))
        .map(|(map, weights)| timed(Phase::Sums, || of_piece(map, weights, channels)));
    let mut sums = vec![0.0; channels];
    for piece in pieces.collect::<Vec<_>>() {
        sums.iter_mut().zip(piece).for_each(|(sum, x)| *sum += x);
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}

fn of_piece(map: &[f32], weights: &[f32], channels: usize) -> Vec<f64> {
    let mut sums = vec![0.0; channels];
    let mut run_sums = vec![0.0; channels];
    for (map, weights) in map.chunks(RUN * channels).zip(weights.chunks(RUN)) {
        run_sums.fill(0.0_f32);
        for (pixel, weight) in map.chunks_exact(channels).zip(weights) {
            let pixel = run_sums.iter_mut().zip(pixel);
            pixel.for_each(|(sum, x)| *sum += weight * x);
        }
        let runs = sums.iter_mut().zip(&run_sums);
        runs.for_each(|(sum, x)| *sum += f64::from(*x));
    }
    sums
}

/// Adds the gradient of a map with such a sum, given the sum's.
pub fn mean_backward(gradient: &[f32], weights: &[f32], sum: &mut [f32]) {
    of_each(sum, weights, |out, _, weight| {
        let channels = out.iter_mut().zip(gradient);
        channels.for_each(|(out, x)| *out += weight * x);
    });
}

/// Calls `f` with every position's channels in `out`, its place and its number.
fn of_each(out: &mut [f32], numbers: &[f32], f: impl Fn(&mut [f32], usize, f32) + Sync) {
    let channels = (out.len() / numbers.len().max(1)).max(1);
    let pieces = out.par_chunks_mut(PIECE * channels);
    let pieces = pieces.zip(numbers.par_chunks(PIECE)).enumerate();
    pieces.for_each(|(k, (out, numbers))| {
        timed(Phase::Layout, || {
            let pixels = out.chunks_exact_mut(channels).zip(numbers);
            for (i, (out, &number)) in pixels.enumerate() {
                f(out, k * PIECE + i, number);
            }
        });
    });
}
