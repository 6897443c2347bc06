use burn::tensor::{DType, Device, Tensor};

/// The square root and the inverse square root of a symmetric float64 matrix whose eigenvalues
/// are at least `least` (above 0): Newton-Schulz iterations with the scaling of Chen and Chow
/// (2014), "A Stable Scaling of Newton-Schulz for Improving the Sign Function Computation of a
/// Hermitian Matrix".
///
/// Products alone, which the CPU does at full speed, where an eigendecomposition of 512 channels
/// would need another library.
pub fn roots(a: Tensor<2>, least: f64) -> (Tensor<2>, Tensor<2>) {
    // A norm above the largest eigenvalue brings all of them to (0, 1].
    let norm = a.clone().square().sum().into_scalar::<f64>().sqrt();
    let size = a.dims()[0];
    let mut root = a.div_scalar(norm);
    let mut inverse = identity(size);
    // The least singular value that is left.
    let mut low = (least / norm).sqrt();
    // From 1e-8 the next iteration, which squares the distance to 1, is exact.
    let mut last = false;
    while !last {
        last = 1.0 - low < 1e-8;
        let scale = (3.0 / (1.0 + low + low * low)).sqrt();
        let product = inverse.clone().matmul(root.clone());
        let step = identity(size).mul_scalar(1.5 * scale) - product.mul_scalar(0.5 * scale.powi(3));
        root = root.matmul(step.clone());
        inverse = step.matmul(inverse);
        low = 0.5 * scale * low * (3.0 - (scale * low).powi(2));
    }
    (
        root.mul_scalar(norm.sqrt()),
        inverse.mul_scalar(norm.sqrt().recip()),
    )
}

/// The identity of float64 on the CPU.
pub fn identity(size: usize) -> Tensor<2> {
    Tensor::<2>::eye(size, &Device::flex()).cast(DType::F64)
}

/// The sum of the diagonal of a float64 matrix.
pub fn trace(a: &Tensor<2>) -> f64 {
    let size = a.dims()[0];
    (a.clone() * identity(size)).sum().into_scalar()
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    fn matrix(size: usize, value: impl Fn(usize, usize) -> f64) -> Tensor<2> {
        let values: Vec<_> = (0..size * size)
            .map(|k| value(k / size, k % size))
            .collect();
        let data = TensorData::new(values, [size, size]);
        Tensor::from_data(data, (&Device::flex(), DType::F64))
    }

    /// The matrix with these eigenvalues in the basis of discrete sine transforms.
    fn with(eigenvalues: &[f64]) -> Tensor<2> {
        let size = eigenvalues.len();
        let vector = |k: usize, i: usize| {
            let angle = std::f64::consts::PI * ((k + 1) * (i + 1)) as f64 / (size + 1) as f64;
            (2.0 / (size + 1) as f64).sqrt() * angle.sin()
        };
        matrix(size, |i, j| {
            let parts = eigenvalues.iter().enumerate();
            parts.map(|(k, v)| v * vector(k, i) * vector(k, j)).sum()
        })
    }

    fn largest(a: Tensor<2>) -> f64 {
        a.abs().max().into_scalar()
    }

    #[test]
    fn roots_of_known_eigenvalues_are_found_over_ten_orders_of_magnitude() {
        let eigenvalues: Vec<f64> = (0..24).map(|k| 50.0 * 0.37_f64.powi(k)).collect();
        let least = eigenvalues[23];
        let (root, inverse) = roots(with(&eigenvalues), least);
        let exact: Vec<_> = eigenvalues.iter().map(|v| v.sqrt()).collect();
        assert!(largest(root - with(&exact)) < 1e-9 * exact[0]);
        let exact: Vec<_> = exact.iter().map(|v| 1.0 / v).collect();
        assert!(largest(inverse - with(&exact)) < 1e-5 * exact[23]);
    }

    #[test]
    fn one_number_has_its_own_root() {
        let (root, inverse) = roots(matrix(1, |_, _| 9.0), 1e-6);
        assert!((trace(&root) - 3.0).abs() < 1e-12);
        assert!((trace(&inverse) - 1.0 / 3.0).abs() < 1e-12);
    }
}
