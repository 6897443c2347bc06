use super::matrix::Matrix;

/// Most iterations: each takes a small singular value up 2.6 times, so these bring back any that
/// float64 can tell from zero.
const ITERATIONS: usize = 48;

/// The symmetric matrix T with T `from` T = `to`, which carries one covariance to the other by the
/// shortest way: `to`^½ (`to`^½ `from` `to`^½)^-½ `to`^½.
///
/// Both are symmetric float64 matrices whose eigenvalues are at least `least`, above 0. The sign
/// function of the block matrix of `to` and `from` has T in its corner (Higham, "Functions of
/// Matrices", 2008, theorem 5.2), so Newton-Schulz iterations find it without any root. Their
/// scaling is that of Chen and Chow (2014), "A Stable Scaling of Newton-Schulz for Improving the
/// Sign Function Computation of a Hermitian Matrix". Products alone, which run at full speed on the
/// CPU; an eigendecomposition of 512 channels would need another library.
///
/// NaN throughout where there is none: for matrices that are not finite, or of a condition that
/// float64 cannot tell from infinite.
pub fn transport(from: &Matrix, to: &Matrix, least: f64) -> Matrix {
    let mut product = from.times(to);
    // A norm above the product's largest eigenvalue brings all of them to (0, 1].
    let norm = product.inner(&product).sqrt();
    if !norm.is_normal() {
        return product.map(|_| f64::NAN);
    }
    product = product.map(|x| x / norm);
    let [mut there, mut back] = [to, from].map(|matrix| matrix.clone().map(|x| x / norm.sqrt()));
    // The least singular value that is left of those that go to 1.
    let mut low = least / norm.sqrt();
    for _ in 0..ITERATIONS {
        // An iteration squares the distance to 1: the one from here is the last.
        let last = 1.0 - low < 1e-4;
        let scale = (3.0 / (1.0 + low + low * low)).sqrt();
        let step = product.map(|x| -0.5 * scale.powi(3) * x);
        let step = step.plus_identity(1.5 * scale);
        there = there.times(&step);
        if last {
            return there;
        }
        back = step.times(&back);
        product = back.times(&there);
        low = 0.5 * scale * low * (3.0 - (scale * low).powi(2));
    }
    there.map(|_| f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(size: usize, value: impl Fn(usize, usize) -> f64) -> Matrix {
        let places = 0..size * size;
        Matrix::new(places.map(|k| value(k / size, k % size)).collect())
    }

    fn transposed(a: &Matrix) -> Matrix {
        let size = a.values().len().isqrt();
        matrix(size, |i, j| a.values()[j * size + i])
    }

    fn minus(a: &Matrix, b: &Matrix) -> Matrix {
        let pairs = a.values().iter().zip(b.values());
        Matrix::new(pairs.map(|(a, b)| a - b).collect())
    }

    /// The matrix with these eigenvalues in the basis of discrete sine transforms, turned by a
    /// reflection where `turned`, so that two matrices do not commute.
    fn with(eigenvalues: &[f64], turned: bool) -> Matrix {
        let size = eigenvalues.len();
        let length = (size + 1) as f64;
        let basis = matrix(size, |k, i| {
            let angle = std::f64::consts::PI * ((k + 1) * (i + 1)) as f64 / length;
            (2.0 / length).sqrt() * angle.sin()
        });
        let reflection = matrix(size, |i, j| f64::from(u8::from(i == j)) - 2.0 / size as f64);
        let basis = if turned {
            basis.times(&reflection)
        } else {
            basis
        };
        let diagonal = matrix(size, |i, j| if i == j { eigenvalues[i] } else { 0.0 });
        transposed(&basis).times(&diagonal).times(&basis)
    }

    fn largest(a: &Matrix) -> f64 {
        a.values().iter().fold(0.0, |most, x| x.abs().max(most))
    }

    #[test]
    fn covariances_along_the_same_axes_are_stretched_by_the_root_of_their_ratio() {
        let from: Vec<f64> = (0..24).map(|k| 50.0 * 0.6_f64.powi(k)).collect();
        let to: Vec<f64> = (0..24).map(|k| 1e-3 * 1.5_f64.powi(k)).collect();
        let exact: Vec<f64> = from.iter().zip(&to).map(|(f, t)| (t / f).sqrt()).collect();
        let found = transport(&with(&from, false), &with(&to, false), 1e-4);
        let off = largest(&minus(&found, &with(&exact, false))) / exact[23];
        assert!(off < 1e-6, "{off}");
    }

    #[test]
    fn one_covariance_becomes_the_other_over_six_orders_of_magnitude() {
        let eigenvalues: Vec<f64> = (0..64).map(|k| 100.0 * 0.8_f64.powi(k)).collect();
        let (from, to) = (with(&eigenvalues, false), with(&eigenvalues, true));
        let found = transport(&from, &to, eigenvalues[63]);
        let carried = found.times(&from).times(&found);
        let off = largest(&minus(&carried, &to)) / 100.0;
        assert!(off < 1e-6, "{off}");
        let skew = largest(&minus(&found, &transposed(&found))) / largest(&found);
        assert!(skew < 1e-6, "{skew}");
    }

    #[test]
    fn what_is_no_covariance_has_no_transport_and_takes_no_time() {
        let one = || matrix(8, |i, j| f64::from(u8::from(i == j)));
        let spoilt = |value: f64| matrix(8, move |i, j| if (i, j) == (2, 5) { value } else { 1.0 });
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(spoilt) {
            for found in [
                transport(&wrong, &one(), 1e-4),
                transport(&one(), &wrong, 1e-4),
            ] {
                assert!(found.values().iter().all(|v| v.is_nan()), "{found:?}");
            }
        }
        for least in [f64::NAN, 0.0, 1e-300] {
            assert!(transport(&one(), &one(), least).trace().is_nan(), "{least}");
        }
    }

    #[test]
    fn one_number_has_a_ratio() {
        let found = transport(&matrix(1, |_, _| 4.0), &matrix(1, |_, _| 9.0), 1e-6);
        assert!((found.trace() - 1.5).abs() < 1e-7);
    }
}
