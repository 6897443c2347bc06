//! Sums whose order, and so whose rounding, no number of threads changes.

use rayon::prelude::*;

use super::phase::{Phase, timed};

/// Numbers that a thread adds up at a time.
const PIECE: usize = 1 << 16;
/// Sums side by side, for vector instructions.
const LANES: usize = 16;

/// The sum of all numbers: pieces in float32, their sums in float64.
pub fn sum(values: &[f32]) -> f32 {
    let pieces = values.par_chunks(PIECE);
    let pieces: Vec<f32> = pieces
        .map(|piece| timed(Phase::Sums, || of_piece(piece)))
        .collect();
    pieces.into_iter().map(f64::from).sum::<f64>() as f32
}

fn of_piece(piece: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (rows, rest) = piece.as_chunks::<LANES>();
    for row in rows {
        lanes.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    lanes.iter_mut().zip(rest).for_each(|(sum, x)| *sum += x);
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_sum_is_that_of_all_numbers(count in 0_usize..3 * PIECE) {
            let values: Vec<f32> = (0..count).map(|k| (k as f32 * 0.7).sin()).collect();
            let expected: f64 = values.iter().map(|&x| f64::from(x)).sum();
            prop_assert!((f64::from(sum(&values)) - expected).abs() < 0.02);
        }
    }

    #[test]
    fn a_sum_is_the_same_every_time_on_any_number_of_threads() {
        let values: Vec<f32> = (0..80 * PIECE + 5)
            .map(|k| (k as f32).sin() * 1e3)
            .collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| sum(&values)).to_bits()
        };
        let first = on(1);
        for _ in 0..20 {
            assert_eq!([on(2), on(3), on(7)], [first; 3]);
        }
    }
}
