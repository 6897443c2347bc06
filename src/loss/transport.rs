use ndarray::Array2;

use super::inverse::inverse;

/// The symmetric matrix T with T `from` T = `to`, which carries one covariance to the other by the
/// shortest way: `to`^½ (`to`^½ `from` `to`^½)^-½ `to`^½.
///
/// Both are symmetric float64 matrices whose eigenvalues are at least `least`, above 0. The sign
/// function of the block matrix (0 `to`; `from` 0) has T in its corner (Higham, "Functions of Matrices",
/// 2008, theorem 5.2), and Newton's iteration X ← (X + X⁻¹) / 2 finds it with inverses alone, which
/// are products for the greatest part; an eigendecomposition of 512 channels would need another library.
/// Scaled by what is known of the eigenvalues (Byers and Xu 2008, "A New Scaling for Newton's Iteration
/// for the Polar Decomposition and its Backward Stability") it takes six iterations where they differ
/// by six orders of magnitude.
///
/// NaN throughout where there is none: for matrices that are not finite, or of a condition that
/// float64 cannot tell from infinite.
pub fn transport(from: &Array2<f64>, to: &Array2<f64>, least: f64) -> Array2<f64> {
    let norm = |matrix: &Array2<f64>| (matrix * matrix).sum().sqrt();
    let (from_norm, to_norm) = (norm(from), norm(to));
    // The block matrix's eigenvalues are roots of those of `from` times `to`.
    let most = (from_norm * to_norm).sqrt();
    let known = most.is_normal() && least / most > f64::EPSILON;
    if !known {
        return Array2::from_elem(to.raw_dim(), f64::NAN);
    }
    // The same scale for both, and eigenvalues from 1 / `beyond` to `beyond`.
    let balance = (from_norm / to_norm).sqrt();
    let middle = (least * most).sqrt();
    let mut there = to * (balance / middle);
    let mut back = from / (balance * middle);
    let mut beyond = (most / least).sqrt();
    loop {
        // An iteration takes `beyond` to a half of itself and its inverse, from 1 on; the scale
        // makes that the end of an interval around 1 again.
        let next = f64::midpoint(beyond, 1.0 / beyond);
        // What is left then is below what float32 can tell.
        if next - 1.0 < 2e-8 {
            there.zip_mut_with(&inverse(back), |x, y| *x = f64::midpoint(*x, *y));
            return there / balance;
        }
        let scale = next.sqrt().recip();
        let [towards, away] = inverses(&back, &there);
        there.zip_mut_with(&towards, |x, y| *x = f64::midpoint(*x, *y) * scale);
        back.zip_mut_with(&away, |x, y| *x = f64::midpoint(*x, *y) * scale);
        beyond = next.sqrt();
    }
}

/// Of two matrices, at the same time.
fn inverses(a: &Array2<f64>, b: &Array2<f64>) -> [Array2<f64>; 2] {
    rayon::join(|| inverse(a.clone()), || inverse(b.clone())).into()
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayView1;

    use super::*;
    use crate::loss::inverse::tests::largest;

    /// The matrix with these eigenvalues in the basis of discrete sine transforms, turned by a
    /// reflection where `turned`, so that two matrices do not commute.
    fn with(eigenvalues: &[f64], turned: bool) -> Array2<f64> {
        let size = eigenvalues.len();
        let length = (size + 1) as f64;
        let basis = Array2::from_shape_fn((size, size), |(k, i)| {
            let angle = std::f64::consts::PI * ((k + 1) * (i + 1)) as f64 / length;
            (2.0 / length).sqrt() * angle.sin()
        });
        let reflection = Array2::<f64>::eye(size) - 2.0 / size as f64;
        let basis = if turned {
            basis.dot(&reflection)
        } else {
            basis
        };
        let diagonal = Array2::from_diag(&ArrayView1::from(eigenvalues));
        basis.t().dot(&diagonal).dot(&basis)
    }

    #[test]
    fn covariances_along_the_same_axes_are_stretched_by_the_root_of_their_ratio() {
        let from: Vec<f64> = (0..24).map(|k| 50.0 * 0.6_f64.powi(k)).collect();
        let to: Vec<f64> = (0..24).map(|k| 1e-3 * 1.5_f64.powi(k)).collect();
        let exact: Vec<f64> = from.iter().zip(&to).map(|(f, t)| (t / f).sqrt()).collect();
        let found = transport(&with(&from, false), &with(&to, false), 1e-4);
        let off = largest(&(&found - &with(&exact, false))) / exact[23];
        assert!(off < 1e-6, "{off}");
    }

    #[test]
    fn one_covariance_becomes_the_other_over_six_orders_of_magnitude() {
        let eigenvalues: Vec<f64> = (0..64).map(|k| 100.0 * 0.8_f64.powi(k)).collect();
        let (from, to) = (with(&eigenvalues, false), with(&eigenvalues, true));
        let found = transport(&from, &to, eigenvalues[63]);
        let carried = found.dot(&from).dot(&found);
        let off = largest(&(&carried - &to)) / 100.0;
        assert!(off < 1e-6, "{off}");
        let size = largest(&found);
        let skew = largest(&(&found.t() - &found)) / size;
        assert!(skew < 1e-6, "{skew}");
    }

    #[test]
    fn what_is_no_covariance_has_no_transport_and_takes_no_time() {
        let one = || Array2::eye(8);
        let spoilt = |value: f64| {
            let mut ones = Array2::<f64>::ones((8, 8));
            ones[(2, 5)] = value;
            ones
        };
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(spoilt) {
            for found in [
                transport(&wrong, &one(), 1e-4),
                transport(&one(), &wrong, 1e-4),
            ] {
                assert!(found.iter().all(|v| v.is_nan()), "{found:?}");
            }
        }
        for least in [f64::NAN, 0.0, 1e-300] {
            assert!(transport(&one(), &one(), least)[(0, 0)].is_nan(), "{least}");
        }
    }

    #[test]
    fn one_number_has_a_ratio() {
        let [from, to] = [4.0, 9.0].map(|value| Array2::from_elem((1, 1), value));
        assert!((transport(&from, &to, 1e-6)[(0, 0)] - 1.5).abs() < 1e-7);
    }
}
