//! Functions of symmetric 3x3 matrices, through their eigenvalues.

/// Three rows of three.
pub(crate) type Matrix = [[f64; 3]; 3];

/// `a` times `b`.
pub(super) fn product(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

/// `a` times the column `x`.
pub(super) fn apply(a: &Matrix, x: [f64; 3]) -> [f64; 3] {
    a.map(|row| dot(row, x))
}

pub(super) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The symmetric matrix with the eigenvectors of `a` and each eigenvalue `v` turned into `f(v)`.
pub(super) fn with_eigenvalues(a: &Matrix, f: impl Fn(f64) -> f64) -> Matrix {
    let (values, vectors) = eigen(a);
    let values = values.map(f);
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            (0..3)
                .map(|k| vectors[i][k] * values[k] * vectors[j][k])
                .sum()
        })
    })
}

/// Eigenvalues, in no order, and the eigenvectors as columns, by cyclic Jacobi rotations (Golub and Van Loan, "Matrix
/// Computations", section 8.5).
fn eigen(a: &Matrix) -> ([f64; 3], Matrix) {
    // Convergence is quadratic: five sweeps reach the last bit of any 3x3 matrix, and a sweep too many costs nothing.
    const SWEEPS: usize = 8;
    let mut a = *a;
    let mut vectors = identity();
    for _ in 0..SWEEPS {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q] != 0.0 {
                let rotation = rotation(&a, p, q);
                a = product(&product(&transposed(&rotation), &a), &rotation);
                vectors = product(&vectors, &rotation);
            }
        }
    }
    ([a[0][0], a[1][1], a[2][2]], vectors)
}

/// The rotation of axes `p` and `q`, by at most 45 degrees, that makes `a[p][q]` zero.
fn rotation(a: &Matrix, p: usize, q: usize) -> Matrix {
    let slope = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let tangent = 1.0_f64.copysign(slope) / (slope.abs() + slope.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let mut rotation = identity();
    (rotation[p][p], rotation[p][q]) = (cosine, sine);
    (rotation[q][p], rotation[q][q]) = (-sine, cosine);
    rotation
}

fn identity() -> Matrix {
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
}

fn transposed(a: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| a[j][i]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn distance(a: &Matrix, b: &Matrix) -> f64 {
        let pairs = a.iter().flatten().zip(b.iter().flatten());
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn the_eigenvalues_of_a_known_matrix_are_found() {
        // The second difference of three points: 2 - 2 cos(k pi / 4) for k = 1, 2, 3.
        let (mut values, _) = eigen(&[[2.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 2.0]]);
        values.sort_by(f64::total_cmp);
        let root = 2.0_f64.sqrt();
        for (value, exact) in values.iter().zip([2.0 - root, 2.0, 2.0 + root]) {
            assert!((value - exact).abs() < 1e-14, "{values:?}");
        }
    }

    fn positive() -> impl Strategy<Value = Matrix> {
        prop::array::uniform3(prop::array::uniform3(-1.0_f64..1.0))
            .prop_map(|root| product(&root, &transposed(&root)))
    }

    proptest! {
        #[test]
        fn the_eigenvectors_are_orthonormal_and_diagonalise(a in positive()) {
            let (values, vectors) = eigen(&a);
            prop_assert!(distance(&product(&transposed(&vectors), &vectors), &identity()) < 1e-14);
            prop_assert!(distance(&with_eigenvalues(&a, |v| v), &a) < 1e-14);
            prop_assert!(values.iter().all(|&v| v > -1e-14));
        }

        #[test]
        fn a_square_root_times_itself_is_the_matrix(a in positive()) {
            let root = with_eigenvalues(&a, |v| v.max(0.0).sqrt());
            prop_assert!(distance(&root, &transposed(&root)) < 1e-14);
            prop_assert!(distance(&product(&root, &root), &a) < 1e-13);
        }
    }
}
