//! The output transform of tiles, Aᵀ m A of F(4x4, 3x3) (Lavin and Gray 2016).

use super::super::filters::POSITIONS;
use super::super::simd::{Kernel, Simd};
use super::finish::{Finish, Tile};
use super::grid::{Grid, Rows};

/// Transforms `count` products back, from tile number `first` on, and finishes them.
pub struct TransformOut<'a, 'b, E> {
    pub finish: &'a E,
    pub grid: Grid,
    pub first: usize,
    pub count: usize,
    /// 36 matrices, `stride` apart, of tiles by `width` channels.
    pub products: &'a [f32],
    pub stride: usize,
    pub width: usize,
    /// The first of those channels.
    pub channel: usize,
    pub rows: &'a mut Rows<'b>,
}

impl<E: Finish> Kernel for TransformOut<'_, '_, E> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let needed = (POSITIONS - 1) * self.stride + self.count * self.width;
        assert!(self.products.len() >= needed, "products of the tiles");
        for tile in 0..self.count {
            let [ty, tx] = self.grid.place(self.first + tile);
            let (row, column) = (ty * 4, tx * 4);
            let whole = row + 4 <= self.grid.height && column + 4 <= self.grid.width;
            for c in (0..self.width).step_by(S::LANES) {
                let tile = Tile {
                    y: self.transformed(s, tile * self.width + c),
                    row,
                    column,
                    channel: self.channel + c,
                };
                if whole {
                    self.finish.finish::<S, true>(s, tile, self.grid, self.rows);
                } else {
                    self.finish
                        .finish::<S, false>(s, tile, self.grid, self.rows);
                }
            }
        }
    }
}

impl<E: Finish> TransformOut<'_, '_, E> {
    /// The tile whose first product is at `at`.
    #[inline(always)]
    fn transformed<S: Simd>(&self, s: S, at: usize) -> [[S::V; 4]; 4] {
        let half = six!(j => {
            let column = s.load_steps(self.products, at + j * self.stride, 6 * self.stride);
            output_1d(s, column)
        });
        [
            output_1d(s, six!(j => half[j][0])),
            output_1d(s, six!(j => half[j][1])),
            output_1d(s, six!(j => half[j][2])),
            output_1d(s, six!(j => half[j][3])),
        ]
    }
}

#[inline(always)]
fn output_1d<S: Simd>(s: S, m: [S::V; 6]) -> [S::V; 4] {
    let (sum, difference) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
    let (far_sum, far_difference) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
    [
        s.add(m[0], s.add(sum, far_sum)),
        s.mul_add(s.splat(2.0), far_difference, difference),
        s.mul_add(s.splat(4.0), far_sum, sum),
        s.add(m[5], s.mul_add(s.splat(8.0), far_difference, difference)),
    ]
}
