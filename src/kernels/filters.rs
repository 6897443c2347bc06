//! Filters of one layer, prepared once.

use rayon::prelude::*;

use super::buffer::Buffer;
use super::simd::transpose16;

/// Output channels in a panel of transformed filters.
pub const PANEL: usize = 64;
/// Elements of a transformed filter, and of a transformed tile: 6 x 6.
pub const POSITIONS: usize = 36;

/// Rounds channels up to what the kernels take.
pub const fn padded(channels: usize) -> usize {
    channels.next_multiple_of(16)
}

/// Transformed 3x3 filters.
///
/// Panels of up to 64 output channels follow each other; in each, 36 matrices of input by output
/// channels. The forward pass reads them as they are. The gradient with respect to the input is a
/// convolution with transposed and turned filters: turning is left to the tiles (see `winograd`),
/// so the same numbers serve, transposed block by block.
#[derive(Debug)]
pub struct Filters {
    /// Input channels, a multiple of 16.
    pub inputs: usize,
    /// Output channels, a multiple of 16.
    pub outputs: usize,
    transformed: Buffer,
}

impl Filters {
    /// Transforms `weight`, in the order output, input, row, column.
    ///
    /// Channels are padded with zeros to multiples of 16.
    pub fn new(weight: &[f32], outputs: usize, inputs: usize) -> Self {
        assert_eq!(weight.len(), outputs * inputs * 9, "filters of 3x3");
        let (rows, columns) = (padded(inputs), padded(outputs));
        let mut transformed = Buffer::new(POSITIONS * rows * columns);
        transformed
            .par_chunks_mut(POSITIONS * rows * PANEL)
            .enumerate()
            .for_each(|(panel, out)| {
                let width = out.len() / (POSITIONS * rows);
                for c in 0..rows {
                    let filters = |k: usize, tap: usize| {
                        let k = panel * PANEL + k;
                        let exists = k < outputs && c < inputs;
                        if exists {
                            weight[(k * inputs + c) * 9 + tap]
                        } else {
                            0.0
                        }
                    };
                    transform_row(filters, &mut out[c * width..], rows * width, width);
                }
            });
        Self {
            inputs: rows,
            outputs: columns,
            transformed,
        }
    }

    /// Columns of panel `p` of a matrix with `columns` columns.
    pub fn width(columns: usize, p: usize) -> usize {
        (columns - p * PANEL).min(PANEL)
    }

    /// The matrix of a panel at one position: `inputs` rows of the panel's output channels.
    pub fn forward(&self, panel: usize, position: usize) -> &[f32] {
        let width = Self::width(self.outputs, panel);
        let start = (panel * POSITIONS * PANEL + position * width) * self.inputs;
        &self.transformed[start..start + self.inputs * width]
    }

    /// Writes the transposed matrix of a panel of *input* channels at one position: `outputs`
    /// rows of the panel's input channels.
    pub fn transpose(&self, panel: usize, position: usize, out: &mut [f32]) {
        let width = Self::width(self.inputs, panel);
        for block in 0..self.outputs.div_ceil(PANEL) {
            let columns = Self::width(self.outputs, block);
            let from = &self.forward(block, position)[panel * PANEL * columns..];
            let to = &mut out[block * PANEL * width..];
            for i in (0..width).step_by(16) {
                for j in (0..columns).step_by(16) {
                    transpose16(
                        &from[i * columns + j..],
                        columns,
                        &mut to[j * width + i..],
                        width,
                    );
                }
            }
        }
    }
}

/// G g Gᵀ for one input channel and a panel of output channels (Lavin and Gray 2016, F(4x4, 3x3),
/// points 0, 1, -1, 2, -2 and infinity), in f64 because it is done once.
fn transform_row(
    filter: impl Fn(usize, usize) -> f32,
    out: &mut [f32],
    stride: usize,
    width: usize,
) {
    for k in 0..width {
        let mut half = [[0.0; 3]; 6];
        for column in 0..3 {
            let g = [0, 1, 2].map(|row| f64::from(filter(k, row * 3 + column)));
            for (h, value) in half.iter_mut().zip(filter_1d(g)) {
                h[column] = value;
            }
        }
        for (i, h) in half.into_iter().enumerate() {
            for (j, value) in filter_1d(h).into_iter().enumerate() {
                out[(i * 6 + j) * stride + k] = value as f32;
            }
        }
    }
}

fn filter_1d([a, b, c]: [f64; 3]) -> [f64; 6] {
    [
        a / 4.0,
        -(a + b + c) / 6.0,
        -(a - b + c) / 6.0,
        (a + 2.0 * b + 4.0 * c) / 24.0,
        (a - 2.0 * b + 4.0 * c) / 24.0,
        c,
    ]
}
