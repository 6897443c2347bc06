use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayViewMut2, Axis, s};

/// Up to this size matrices are inverted number by number, and triangles are cut into such strips,
/// so that their zeros are not multiplied.
const BLOCK: usize = 32;

/// The inverse of a symmetric matrix with positive eigenvalues, of which the lower triangle is read;
/// of any other it is not finite.
///
/// With A = L Lᵀ (Cholesky) and R = L⁻¹ it is Rᵀ R. An inverse by quarters without the root loses
/// the small eigenvalues of covariances whose condition is a million.
#[must_use]
pub fn inverse(mut matrix: Array2<f64>) -> Array2<f64> {
    invert_root(matrix.view_mut());
    let root = matrix;
    let mut product = Array2::zeros(root.raw_dim());
    for Range { start, end } in strips(root.nrows()) {
        let below = root.slice(s![start.., ..]);
        let (own, left) = (below.slice(s![.., start..end]), below.slice(s![.., ..end]));
        let mut strip = product.slice_mut(s![start..end, ..end]);
        general_mat_mul(1.0, &own.t(), &left, 0.0, &mut strip);
        let (lower, mut upper) =
            product.multi_slice_mut((s![start..end, ..start], s![..start, start..end]));
        upper.assign(&lower.t());
    }
    product
}

fn strips(size: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = (0..size).step_by(BLOCK);
    starts.map(move |start| start..(start + BLOCK).min(size))
}

/// The inverse of a matrix's lower Cholesky factor, in its place: with P the inverse of A's factor,
/// W = C Pᵀ and Q that of D - W Wᵀ, the inverse of the factor of (A Cᵀ; C D) is (P 0; -Q W P, Q).
fn invert_root(matrix: ArrayViewMut2<f64>) {
    let size = matrix.nrows();
    if size <= BLOCK {
        return invert_small_root(matrix);
    }
    let (top, bottom) = matrix.split_at(Axis(0), size / 2);
    let (mut a, mut above) = top.split_at(Axis(1), size / 2);
    let (mut c, mut d) = bottom.split_at(Axis(1), size / 2);
    invert_root(a.view_mut());
    let mut w = Array2::zeros(c.raw_dim());
    for Range { start, end } in strips(w.ncols()) {
        let rows = a.slice(s![start..end, ..end]);
        let mut strip = w.slice_mut(s![.., start..end]);
        general_mat_mul(1.0, &c.slice(s![.., ..end]), &rows.t(), 0.0, &mut strip);
    }
    for Range { start, end } in strips(w.nrows()) {
        let (own, left) = (w.slice(s![start..end, ..]), w.slice(s![..end, ..]));
        let mut strip = d.slice_mut(s![start..end, ..end]);
        general_mat_mul(-1.0, &own, &left.t(), 1.0, &mut strip);
    }
    invert_root(d.view_mut());
    for Range { start, end } in strips(w.ncols()) {
        let columns = a.slice(s![start.., start..end]);
        let mut strip = c.slice_mut(s![.., start..end]);
        general_mat_mul(1.0, &w.slice(s![.., start..]), &columns, 0.0, &mut strip);
    }
    w.assign(&c);
    for Range { start, end } in strips(w.nrows()) {
        let rows = d.slice(s![start..end, ..end]);
        let mut strip = c.slice_mut(s![start..end, ..]);
        general_mat_mul(-1.0, &rows, &w.slice(s![..end, ..]), 0.0, &mut strip);
    }
    above.fill(0.0);
}

/// By elimination, which turns the identity beside the matrix into the factor's inverse.
fn invert_small_root(mut matrix: ArrayViewMut2<f64>) {
    let mut inverse = Array2::eye(matrix.nrows());
    for k in 0..matrix.nrows() {
        let scale = matrix[(k, k)].sqrt().recip();
        inverse.row_mut(k).mapv_inplace(|x| x * scale);
        let column = matrix.column(k).mapv(|x| x * scale);
        let (done, mut rest) = inverse.view_mut().split_at(Axis(0), k + 1);
        for i in k + 1..matrix.nrows() {
            let mut row = matrix.slice_mut(s![i, k + 1..=i]);
            row.scaled_add(-column[i], &column.slice(s![k + 1..=i]));
            rest.row_mut(i - k - 1).scaled_add(-column[i], &done.row(k));
        }
    }
    matrix.assign(&inverse);
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The largest number without its sign.
    pub fn largest(matrix: &Array2<f64>) -> f64 {
        matrix.iter().fold(0.0, |most: f64, x| most.max(x.abs()))
    }

    /// The second moments of rectified waves, in fewer positions than channels, and a ridge.
    fn covariance(size: usize, ridge: f64) -> Array2<f64> {
        let features = Array2::from_shape_fn((size, size / 2 + 1), |(i, k)| {
            let wave = (((i + 1) * (k + 1)) as f64 * 0.61 + i as f64).sin();
            wave.max(0.0)
        });
        let trace = (&features * &features).sum();
        features.dot(&features.t()) / trace + Array2::<f64>::eye(size) * ridge
    }

    /// How far a matrix times its inverse is from one.
    fn off(matrix: &Array2<f64>) -> f64 {
        let one = Array2::<f64>::eye(matrix.nrows());
        largest(&(matrix.dot(&inverse(matrix.clone())) - one))
    }

    #[test]
    fn a_matrix_times_its_inverse_is_one_for_sizes_of_every_kind() {
        for size in [1, 2, 3, 17, 32, 33, 64, 66, 128, 133, 256] {
            let off = off(&covariance(size, 0.1));
            assert!(off < 1e-13, "{size}: {off}");
        }
    }

    #[test]
    fn eigenvalues_a_millionth_of_the_largest_are_not_lost() {
        for size in [12, 128, 256, 512] {
            let off = off(&covariance(size, 1e-6));
            assert!(off < 1e-9, "{size}: {off}");
        }
    }

    #[test]
    fn what_is_above_the_diagonal_is_not_read() {
        let matrix = covariance(70, 0.1);
        let mut other = matrix.clone();
        other
            .indexed_iter_mut()
            .filter(|((i, j), _)| i < j)
            .for_each(|(_, x)| *x = f64::NAN);
        assert_eq!(inverse(other), inverse(matrix));
    }

    #[test]
    fn what_has_no_inverse_gives_numbers_that_are_not_finite() {
        for size in [4, 128] {
            let flat = inverse(Array2::ones((size, size)));
            assert!(flat.iter().any(|x| !x.is_finite()), "{size}");
        }
    }
}
