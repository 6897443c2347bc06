use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayViewMut2, Axis};

/// Matrices up to this size are inverted number by number.
const SMALL: usize = 64;

/// The inverse of a symmetric matrix with positive eigenvalues; of any other it may not be finite.
#[must_use]
pub fn inverse(mut matrix: Array2<f64>) -> Array2<f64> {
    invert(matrix.view_mut());
    matrix
}

/// By quarters: with W = A⁻¹B and the Schur complement S = D - BᵀW, the inverse of (A B; Bᵀ D) is
/// (A⁻¹ + W S⁻¹ Wᵀ, -W S⁻¹; -S⁻¹Wᵀ, S⁻¹), which is products but for small matrices: two thirds of a
/// whole product's operations, at its speed.
fn invert(matrix: ArrayViewMut2<f64>) {
    let size = matrix.nrows();
    if size <= SMALL {
        return invert_small(matrix);
    }
    let (top, bottom) = matrix.split_at(Axis(0), size / 2);
    let (mut a, mut b) = top.split_at(Axis(1), size / 2);
    let (mut c, mut d) = bottom.split_at(Axis(1), size / 2);
    invert(a.view_mut());
    let w = a.dot(&b);
    general_mat_mul(-1.0, &b.t(), &w, 1.0, &mut d);
    invert(d.view_mut());
    general_mat_mul(-1.0, &w, &d, 0.0, &mut b);
    general_mat_mul(-1.0, &b, &w.t(), 1.0, &mut a);
    c.assign(&b.t());
}

/// Gauss and Jordan's way, in place; pivots on the diagonal are as good as any for such a matrix.
fn invert_small(mut matrix: ArrayViewMut2<f64>) {
    for k in 0..matrix.nrows() {
        let pivot = std::mem::replace(&mut matrix[(k, k)], 1.0);
        matrix.row_mut(k).mapv_inplace(|x| x / pivot);
        let pivots = matrix.row(k).to_owned();
        let others = matrix.rows_mut().into_iter().enumerate();
        for (_, mut other) in others.filter(|(i, _)| *i != k) {
            let factor = std::mem::replace(&mut other[k], 0.0);
            other.scaled_add(-factor, &pivots);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Symmetric, with eigenvalues of at least about 1, and no quarter without a share.
    fn covariance(size: usize) -> Array2<f64> {
        Array2::from_shape_fn((size, size), |(i, j)| {
            let near = 1.0 / (1.0 + i.abs_diff(j) as f64);
            near + f64::from(u8::from(i == j)) + ((i * j) as f64).cos() * 1e-3
        })
    }

    #[test]
    fn a_matrix_times_its_inverse_is_one_for_sizes_of_every_kind() {
        for size in [1, 2, 3, 17, 64, 65, 66, 128, 133, 256] {
            let one = covariance(size).dot(&inverse(covariance(size)));
            let off = one - Array2::<f64>::eye(size);
            let off = off.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            assert!(off < 1e-12, "{size}: {off}");
        }
    }

    #[test]
    fn what_has_no_inverse_gives_numbers_that_are_not_finite() {
        for size in [4, 128] {
            let flat = inverse(Array2::ones((size, size)));
            assert!(flat.iter().any(|x| !x.is_finite()), "{size}");
        }
    }
}
