use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::device::read;

/// A square matrix of float64 on the CPU, in rows.
#[derive(Clone, Debug)]
pub struct Matrix {
    size: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// The matrix with these numbers, row by row. Panics if they are no square.
    pub fn new(values: Vec<f64>) -> Self {
        let size = values.len().isqrt();
        assert_eq!(size * size, values.len(), "a square matrix");
        Self { size, values }
    }

    /// Its numbers, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// What `f` makes of each number.
    #[must_use]
    pub fn map(mut self, f: impl Fn(f64) -> f64) -> Self {
        self.values.iter_mut().for_each(|x| *x = f(*x));
        self
    }

    /// A multiple of the identity more.
    #[must_use]
    pub fn plus_identity(mut self, times: f64) -> Self {
        let diagonal = self.values.iter_mut().step_by(self.size + 1);
        diagonal.for_each(|x| *x += times);
        self
    }

    /// Without the product of a column and the same as a row.
    #[must_use]
    pub fn minus_square(mut self, column: &[f64]) -> Self {
        for (row, left) in self.values.chunks_exact_mut(self.size).zip(column) {
            let row = row.iter_mut().zip(column);
            row.for_each(|(x, right)| *x -= left * right);
        }
        self
    }

    /// The product of a row and this matrix.
    pub fn after(&self, row: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.size];
        for (own, factor) in self.values.chunks_exact(self.size).zip(row) {
            let sums = product.iter_mut().zip(own);
            sums.for_each(|(sum, x)| *sum += factor * x);
        }
        product
    }

    /// The product with another, which runs on all threads.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        let [a, b] = [self, other].map(|matrix| {
            let data = TensorData::new(matrix.values.clone(), [matrix.size, matrix.size]);
            Tensor::<2>::from_data(data, (&Device::flex(), DType::F64))
        });
        let product = read(a.matmul(b)).try_into_vec();
        Self {
            values: product.expect("float64, as both are"),
            ..*self
        }
    }

    /// The sum of the products of the numbers at the same places: of symmetric matrices the sum of the
    /// diagonal of their product.
    pub fn inner(&self, other: &Self) -> f64 {
        inner(&self.values, &other.values)
    }

    /// The sum of the diagonal.
    pub fn trace(&self) -> f64 {
        self.values.iter().step_by(self.size + 1).sum()
    }
}

/// The scalar product.
pub fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
