//! Adam's update of a picture (Kingma and Ba 2015) in one pass over everything it reads and writes.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::buffer::Buffer;

/// Elements that a thread takes at a time.
const CHUNK: usize = 16 << 10;

/// The numbers of one update.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// How much of the moments stays: beta 1 and beta 2.
    pub betas: [f32; 2],
    /// The learning rate over the correction of the first moment.
    pub rate: f32,
    /// The square root of the correction of the second moment.
    pub correction: f32,
    /// Keeps the divisor from 0.
    pub epsilon: f32,
}

/// The moments of every element; none before the first update.
#[derive(Clone, Debug, Default)]
pub struct Moments(Arc<Mutex<Option<[Buffer; 2]>>>);

/// Updates the moments and fills `out` with the updated `x`.
pub fn update((x, gradient): (&[f32], &[f32]), moments: &Moments, rates: Rates, out: &mut [f32]) {
    let mut moments = moments.0.lock().unwrap_or_else(PoisonError::into_inner);
    let [first, second] = moments.get_or_insert_with(|| {
        let mut zeros = [Buffer::new(x.len()), Buffer::new(x.len())];
        for moment in &mut zeros {
            moment.fill(0.0);
        }
        zeros
    });
    out.par_chunks_mut(CHUNK)
        .zip(x.par_chunks(CHUNK))
        .zip(gradient.par_chunks(CHUNK))
        .zip(first.par_chunks_mut(CHUNK))
        .zip(second.par_chunks_mut(CHUNK))
        .for_each(|((((out, x), gradient), first), second)| {
            let all = out.iter_mut().zip(x).zip(gradient).zip(first).zip(second);
            for ((((out, x), g), m), v) in all {
                *m = *m * rates.betas[0] + *g * (1.0 - rates.betas[0]);
                *v = *v * rates.betas[1] + *g * *g * (1.0 - rates.betas[1]);
                let spread = v.sqrt() / rates.correction + rates.epsilon;
                *out = *x - *m / spread * rates.rate;
            }
        });
}
