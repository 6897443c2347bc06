//! The variation of a picture in planes between neighbouring pixels, and its gradient.

use std::ops::Range;

use rayon::prelude::*;

use super::buffer::Buffer;
use super::layout::zeros;
use super::part::Place;
use super::phase::{Phase, timed};

/// Pixels that are compared with a neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbours {
    /// Those with one on the right.
    pub across: Place,
    /// Those with one below.
    pub down: Place,
}

/// A row of pairs in a plane: where the first of each lies, and how far on the other.
type Row = (Range<usize>, usize);

impl Neighbours {
    /// Every row of pairs, with the factor of its kind.
    fn rows(&self, weights: [f32; 2]) -> impl Iterator<Item = (Row, f32)> {
        let rows = |place: &Place, step: usize, weight: f32| {
            let starts = 0..place.rows.len();
            let row = |row| ((place.row(row, 1), step), weight);
            starts.map(row).collect::<Vec<_>>()
        };
        let across = rows(&self.across, 1, weights[0]);
        across
            .into_iter()
            .chain(rows(&self.down, self.down.width, weights[1]))
    }
}

/// The sum of the squared differences, those of either kind times its weight, over all planes.
pub fn variation(planes: &[f32], plane: usize, pairs: &Neighbours, weights: [f32; 2]) -> f32 {
    let of_plane = |plane: &[f32]| {
        let of_row = |((first, step), weight): (Row, f32)| {
            let other = &plane[first.start + step..first.end + step];
            let pairs = plane[first].iter().zip(other);
            let squares = pairs.map(|(a, b)| (b - a) * (b - a));
            f64::from(weight) * f64::from(squares.sum::<f32>())
        };
        timed(Phase::Sums, || pairs.rows(weights).map(of_row).sum::<f64>())
    };
    let planes: Vec<f64> = planes.par_chunks(plane).map(of_plane).collect();
    planes.into_iter().sum::<f64>() as f32
}

/// The gradient of that sum with respect to the planes.
pub fn variation_backward(
    planes: &[f32],
    plane: usize,
    pairs: &Neighbours,
    weights: [f32; 2],
) -> Buffer {
    let mut out = zeros(planes.len());
    let both = out.par_chunks_mut(plane).zip(planes.par_chunks(plane));
    both.for_each(|(out, plane)| {
        timed(Phase::Sums, || {
            for ((first, step), weight) in pairs.rows(weights) {
                for at in first {
                    let slope = 2.0 * weight * (plane[at + step] - plane[at]);
                    out[at] -= slope;
                    out[at + step] += slope;
                }
            }
        });
    });
    out
}
