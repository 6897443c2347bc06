//! A step of Adam in one pass over the pixels.

use rayon::prelude::*;

use super::buffer::Buffer;
use super::phase::{Phase, timed};

/// Pixels of a work item.
const PIECE: usize = 1 << 14;

/// One step of Adam (Kingma and Ba 2015, algorithm 1), clamped to [0, 1].
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Decay of the first and of the second moment.
    pub betas: [f32; 2],
    /// The learning rate over the first moment's correction for its start at zero.
    pub rate: f32,
    /// The second moment's correction, under the root.
    pub correction: f32,
    /// What keeps the division from one by zero.
    pub epsilon: f32,
}

impl AdamStep {
    /// A pixel and its moments after the step against its gradient.
    #[inline]
    fn of_pixel(self, x: f32, gradient: f32, [first, second]: [f32; 2]) -> (f32, [f32; 2]) {
        let [beta1, beta2] = self.betas;
        let first = first * beta1 + gradient * (1.0 - beta1);
        let second = second * beta2 + gradient * gradient * (1.0 - beta2);
        let spread = second.sqrt() / self.correction + self.epsilon;
        let moved = x - first / spread * self.rate;
        (moved.clamp(0.0, 1.0), [first, second])
    }
}

/// The pixels and their two moments after a step, all of one length.
pub fn adam(step: AdamStep, x: &[f32], gradient: &[f32], moments: [&[f32]; 2]) -> [Buffer; 3] {
    let mut new = [(); 3].map(|()| Buffer::new(x.len()));
    let [moved, first, second] = &mut new;
    let pieces = moved
        .par_chunks_mut(PIECE)
        .zip(first.par_chunks_mut(PIECE))
        .zip(second.par_chunks_mut(PIECE));
    pieces
        .enumerate()
        .for_each(|(k, ((moved, first), second))| {
            let piece = k * PIECE..k * PIECE + moved.len();
            let [x, gradient, m, v] =
                [x, gradient, moments[0], moments[1]].map(|all| &all[piece.clone()]);
            timed(Phase::Update, || {
                for k in 0..x.len() {
                    let (pixel, moments) = step.of_pixel(x[k], gradient[k], [m[k], v[k]]);
                    (moved[k], [first[k], second[k]]) = (pixel, moments);
                }
            });
        });
    new
}
