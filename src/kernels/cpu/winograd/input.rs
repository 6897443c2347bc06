//! The input transform of tiles, Bᵀ d B of F(4x4, 3x3) (Lavin and Gray 2016).

use std::ops::Range;

use super::super::filters::POSITIONS;
use super::super::simd::{Kernel, Simd};
use super::fetch::Fetch;
use super::grid::Grid;

/// Transforms some channels of `count` tiles from number `first` on: `out` gets 36 matrices,
/// `stride` apart, of tiles by those channels.
pub struct TransformIn<'a, F> {
    pub fetch: &'a F,
    pub grid: Grid,
    pub first: usize,
    pub count: usize,
    /// Both ends are multiples of 16.
    pub channels: Range<usize>,
    pub out: &'a mut [f32],
    pub stride: usize,
}

impl<F: Fetch> TransformIn<'_, F> {
    /// Transforms the `tile`th tile, at a place in the grid; `INSIDE` the map with all its pixels.
    #[inline(always)]
    fn tile<S: Simd, const INSIDE: bool>(&mut self, s: S, tile: usize, [ty, tx]: [usize; 2]) {
        let (height, width) = self.fetch.extent();
        let mut places = [[F::Place::default(); 6]; 6];
        let mut exists = [[true; 6]; 6];
        for i in 0..6 {
            for j in 0..6 {
                // One row and one column of padding: wraps far out of range at the border.
                let (y, x) = ((ty * 4 + i).wrapping_sub(1), (tx * 4 + j).wrapping_sub(1));
                exists[i][j] = INSIDE || (y < height && x < width);
                if exists[i][j] {
                    places[i][j] = self.fetch.place(y, x);
                }
            }
        }
        let row = tile * self.channels.len();
        // The pixels that the next tile does not share with this one.
        let mut next = [[F::Place::default(); 4]; 6];
        if INSIDE {
            for i in 0..6 {
                for j in 0..4 {
                    next[i][j] = self.fetch.place(ty * 4 + i - 1, tx * 4 + j + 5);
                }
            }
        }
        for c in self.channels.clone().step_by(S::LANES) {
            if INSIDE {
                for i in 0..6 {
                    for j in 0..4 {
                        self.fetch.prefetch(s, next[i][j], c);
                    }
                }
            }
            let half = six!(j => {
                let mut column = [s.splat(0.0); 6];
                for i in 0..6 {
                    if INSIDE || exists[i][j] {
                        column[i] = self.fetch.fetch(s, places[i][j], c);
                    }
                }
                input_1d(s, column)
            });
            let at = row + c - self.channels.start;
            six!(i => {
                let row = input_1d(s, six!(j => half[j][i]));
                s.store_steps(self.out, at + i * 6 * self.stride, self.stride, row);
            });
        }
    }
}

impl<F: Fetch> Kernel for TransformIn<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let needed = (POSITIONS - 1) * self.stride + self.count * self.channels.len();
        assert!(self.out.len() >= needed, "room for the tiles");
        let (height, width) = self.fetch.extent();
        for tile in 0..self.count {
            let [ty, tx] = self.grid.place(self.first + tile);
            let inside = ty > 0 && tx > 0 && ty * 4 + 5 <= height && tx * 4 + 5 <= width;
            if inside {
                self.tile::<S, true>(s, tile, [ty, tx]);
            } else {
                self.tile::<S, false>(s, tile, [ty, tx]);
            }
        }
    }
}

#[inline(always)]
fn input_1d<S: Simd>(s: S, d: [S::V; 6]) -> [S::V; 6] {
    let (two, four, minus) = (
        s.splat(2.0),
        s.splat(4.0),
        (s.splat(-2.0), s.splat(-4.0), s.splat(-5.0)),
    );
    let even = s.mul_add(minus.1, d[2], d[4]);
    let odd = s.mul_add(minus.1, d[1], d[3]);
    let (far, near) = (s.sub(d[4], d[2]), s.sub(d[3], d[1]));
    [
        s.mul_add(four, d[0], s.mul_add(minus.2, d[2], d[4])),
        s.add(even, odd),
        s.sub(even, odd),
        s.mul_add(two, near, far),
        s.mul_add(minus.0, near, far),
        s.mul_add(four, d[1], s.mul_add(minus.2, d[3], d[5])),
    ]
}
