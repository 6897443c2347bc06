//! A multiple of the difference of two runs of numbers, in one pass.

use rayon::prelude::*;

use super::buffer::Buffer;
use super::phase::{Phase, timed};

/// Numbers of a work item.
const PIECE: usize = 1 << 14;

/// `factor * (a - b)`, of runs of one length.
pub fn difference(a: &[f32], b: &[f32], factor: f32) -> Buffer {
    let mut out = Buffer::new(a.len());
    let pieces = out.par_chunks_mut(PIECE).zip(a.par_chunks(PIECE));
    pieces.zip(b.par_chunks(PIECE)).for_each(|((out, a), b)| {
        timed(Phase::Sums, || {
            for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                *out = (a - b) * factor;
            }
        });
    });
    out
}
