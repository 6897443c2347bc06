//! What L-BFGS learns from a move of the picture, in one pass over the pixels.

use rayon::prelude::*;

use super::buffer::Buffer;
use super::phase::{Phase, timed};

/// Pixels of a work item.
const PIECE: usize = 1 << 14;

/// The pixels of a picture in [0, 1] and the gradient there.
type Point<'a> = [&'a [f32]; 2];

/// The gradient without what would push a pixel out of [0, 1], and how far the pixels and this gradient
/// are from those of the point before, whose gradient is one already; all of one length.
pub fn curvature_pair([x, gradient]: Point, before: Point) -> [Buffer; 3] {
    let mut new = [(); 3].map(|()| Buffer::new(x.len()));
    let [projected, s, y] = &mut new;
    let pieces = projected
        .par_chunks_mut(PIECE)
        .zip(s.par_chunks_mut(PIECE))
        .zip(y.par_chunks_mut(PIECE));
    pieces.enumerate().for_each(|(k, ((projected, s), y))| {
        let piece = k * PIECE..k * PIECE + s.len();
        let [x, gradient, old_x, old] =
            [x, gradient, before[0], before[1]].map(|all| &all[piece.clone()]);
        timed(Phase::Update, || {
            for k in 0..x.len() {
                let leaves =
                    (gradient[k] > 0.0 && x[k] <= 0.0) || (gradient[k] < 0.0 && x[k] >= 1.0);
                let inside = if leaves { 0.0 } else { gradient[k] };
                (projected[k], s[k], y[k]) = (inside, x[k] - old_x[k], inside - old[k]);
            }
        });
    });
    new
}
