//! A linear combination of pictures in one pass over the pixels.

use rayon::prelude::*;

use super::buffer::Buffer;
use super::phase::{Phase, timed};

/// Pixels of a work item, which stay in a core's nearest cache while they are added up.
const PIECE: usize = 1 << 12;

/// The sum of all terms, of one length, each times its factor: clamped to [0, 1].
pub fn combination(terms: &[(f32, &[f32])]) -> Buffer {
    let mut out = Buffer::new(terms[0].1.len());
    let pieces = out.par_chunks_mut(PIECE).enumerate();
    pieces.for_each(|(k, out)| {
        let piece = k * PIECE..k * PIECE + out.len();
        timed(Phase::Update, || {
            out.fill(0.0);
            for (factor, term) in terms {
                let pixels = out.iter_mut().zip(&term[piece.clone()]);
                pixels.for_each(|(sum, x)| *sum += factor * x);
            }
            for sum in out {
                *sum = sum.clamp(0.0, 1.0);
            }
        });
    });
    out
}
