//! Sums and scalar products whose order, and so whose rounding, no number of threads changes.

use rayon::prelude::*;

use super::phase::{Phase, timed};

/// Numbers that a thread adds up at a time.
const PIECE: usize = 1 << 16;
/// The same of each factor of a product: three of them fit a core's cache.
const SHORT: usize = 1 << 13;
/// Sums side by side, for vector instructions.
const LANES: usize = 16;

/// The sum of all numbers: pieces in float32, their sums in float64.
pub fn sum(values: &[f32]) -> f32 {
    let pieces = values.par_chunks(PIECE);
    added(pieces.map(|piece| timed(Phase::Sums, || of_piece(piece))))
}

/// The sum of squares of `a - b`, of one length, likewise.
pub fn distance(a: &[f32], b: &[f32]) -> f32 {
    let pieces = a.par_chunks(PIECE).zip(b.par_chunks(PIECE));
    added(pieces.map(|(a, b)| timed(Phase::Sums, || squares(a, b))))
}

fn added(pieces: impl IndexedParallelIterator<Item = f32>) -> f32 {
    let pieces: Vec<f32> = pieces.collect();
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

/// The scalar products of each column with both rows, all of one length: pair by pair, in one pass
/// over the columns.
pub fn dots(rows: [&[f32]; 2], columns: &[&[f32]]) -> Vec<f32> {
    let count = rows[0].len();
    let of_piece = |k: usize| -> Vec<f32> {
        let piece = k * SHORT..count.min((k + 1) * SHORT);
        let rows = rows.map(|row| &row[piece.clone()]);
        let pairs = columns.iter().flat_map(|column| {
            let column = &column[piece.clone()];
            rows.map(|row| dot(row, column))
        });
        timed(Phase::Sums, || pairs.collect())
    };
    let pieces = (0..count.div_ceil(SHORT)).into_par_iter().map(of_piece);
    let mut sums = vec![0.0; 2 * columns.len()];
    for piece in pieces.collect::<Vec<_>>() {
        let parts = sums.iter_mut().zip(piece);
        parts.for_each(|(sum, part)| *sum += f64::from(part));
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    in_lanes(a, b, |a, b| a * b)
}

fn squares(a: &[f32], b: &[f32]) -> f32 {
    in_lanes(a, b, |a, b| (a - b) * (a - b))
}

/// The sum of what `of` makes of each pair.
#[inline]
fn in_lanes(a: &[f32], b: &[f32], of: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for k in 0..LANES {
            lanes[k] += of(a[k], b[k]);
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| of(*a, *b));
    lanes.iter_mut().zip(rest).for_each(|(sum, x)| *sum += x);
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_sum_and_a_distance_are_those_of_all_numbers(count in 0_usize..3 * PIECE) {
            let values: Vec<f32> = (0..count).map(|k| (k as f32 * 0.7).sin()).collect();
            let expected: f64 = values.iter().map(|&x| f64::from(x)).sum();
            prop_assert!((f64::from(sum(&values)) - expected).abs() < 0.02);
            let other: Vec<f32> = values.iter().map(|x| x.cos()).collect();
            let off = |(&a, &b): (&f32, &f32)| f64::from(a) - f64::from(b);
            let expected: f64 = values.iter().zip(&other).map(|p| off(p).powi(2)).sum();
            let found = f64::from(distance(&values, &other));
            prop_assert!((found - expected).abs() <= 1e-5 * expected);
        }
    }

    #[test]
    fn a_product_is_the_same_whatever_is_asked_for_beside_it() {
        let [a, b, c] = [1.0, 2.0, 3.0].map(|step| {
            let value = |k| (k as f32 * step).sin();
            (0..3 * SHORT + 5).map(value).collect::<Vec<f32>>()
        });
        let all = dots([&a, &b], &[&c, &a, &b]);
        let bits = |products: &[f32]| products.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&all[2..4]), bits(&dots([&a, &b], &[&a])));
        assert_eq!(bits(&all[3..4]), bits(&dots([&b, &c], &[&a])[..1]));
        let exact = |x: &[f32], y: &[f32]| -> f64 {
            let pairs = x.iter().zip(y);
            pairs.map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
        };
        for (found, expected) in all.iter().zip([
            exact(&c, &a),
            exact(&c, &b),
            exact(&a, &a),
            exact(&a, &b),
            exact(&b, &a),
            exact(&b, &b),
        ]) {
            assert!((f64::from(*found) - expected).abs() < 0.02, "{all:?}");
        }
    }

    #[test]
    fn sums_are_the_same_every_time_on_any_number_of_threads() {
        let values: Vec<f32> = (0..80 * PIECE + 5)
            .map(|k| (k as f32).sin() * 1e3)
            .collect();
        let other: Vec<f32> = values.iter().map(|x| x.cos()).collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let mut all = dots([&values, &other], &[&values, &other]);
                all.extend([sum(&values), distance(&values, &other)]);
                all.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            })
        };
        let first = on(1);
        for _ in 0..20 {
            for threads in [2, 3, 7] {
                assert_eq!(on(threads), first);
            }
        }
    }
}
