//! A part of a channels-last map: what a tile owns of what it sees.

use std::ops::Range;

use rayon::prelude::*;

use super::buffer::Buffer;
use super::phase::{Phase, timed};

/// Where a part lies in a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Columns of the whole map.
    pub width: usize,
    /// Rows of the part.
    pub rows: Range<usize>,
    /// Columns of the part.
    pub columns: Range<usize>,
}

impl Place {
    /// The numbers of a row of the part in the whole map.
    pub fn row(&self, row: usize, channels: usize) -> Range<usize> {
        let start = (self.rows.start + row) * self.width;
        (start + self.columns.start) * channels..(start + self.columns.end) * channels
    }
}

/// A copy of a part of a map.
pub fn take(map: &[f32], channels: usize, place: &Place) -> Buffer {
    let row = place.columns.len() * channels;
    let mut out = Buffer::new(place.rows.len() * row);
    timed(Phase::Layout, || {
        out.par_chunks_mut(row.max(1))
            .enumerate()
            .for_each(|(y, out)| out.copy_from_slice(&map[place.row(y, channels)]));
    });
    out
}

/// Adds a part to its place in a map.
pub fn add(map: &mut [f32], channels: usize, place: &Place, part: &[f32]) {
    let row = place.columns.len() * channels;
    let rows = &mut map[place.rows.start * place.width * channels..];
    let columns = place.columns.start * channels..place.columns.end * channels;
    timed(Phase::Layout, || {
        rows.par_chunks_mut((place.width * channels).max(1))
            .zip(part.par_chunks(row.max(1)))
            .for_each(|(map, part)| {
                for (sum, value) in map[columns.clone()].iter_mut().zip(part) {
                    *sum += value;
                }
            });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_taken_from_its_place_and_added_to_it() {
        let (height, width, channels) = (5, 4, 2);
        let map: Vec<f32> = (0..height * width * channels).map(|k| k as f32).collect();
        let place = Place {
            width,
            rows: 1..4,
            columns: 2..4,
        };
        let part = take(&map, channels, &place);
        let expected: Vec<f32> = (1..4)
            .flat_map(|y| (4 * y + 2) * 2..(4 * y + 4) * 2)
            .map(|k| k as f32)
            .collect();
        assert_eq!(&part[..], expected);
        let mut sum = map.clone();
        add(&mut sum, channels, &place, &part);
        for (k, (sum, given)) in sum.iter().zip(&map).enumerate() {
            let (y, x) = (k / 2 / width, k / 2 % width);
            let times = if (1..4).contains(&y) && x >= 2 {
                2.0
            } else {
                1.0
            };
            assert!((sum - times * given).abs() < f32::EPSILON, "{k}");
        }
    }
}
