use burn::tensor::Tensor;

use crate::kernels::{Neighbours, Place, variation};
use crate::tiles::{Area, Window};

/// What a tile adds to the total variation of its picture: the mean over channels and pixels of the
/// squared difference to the pixel on the right, plus that to the pixel below. `x` is what the tile
/// sees, `[1, channels, height, width]`.
///
/// A mean, as the Gram matrices are: the same texture on a larger canvas has the same loss, so one
/// weight does for every size.
pub fn total_variation(x: Tensor<4>, window: &Window) -> Tensor<1> {
    let [_, channels, _, seen] = x.dims();
    let Area { rows, columns } = window.inside.clone();
    let [height, width] = window.map;
    // The picture's last row and column have no neighbour; those of any other tile have one in its halo.
    let last_row = rows.end - usize::from(window.owned.rows.end == height);
    let last_column = columns.end - usize::from(window.owned.columns.end == width);
    let place = |rows, columns| Place {
        width: seen,
        rows,
        columns,
    };
    let pairs = Neighbours {
        across: place(rows.clone(), columns.start..last_column),
        down: place(rows.start..last_row, columns),
    };
    // One where there is no pair to count.
    let count = [height * (width - 1), (height - 1) * width].map(|pairs| channels * pairs.max(1));
    variation(x, pairs, count.map(|count| (count as f32).recip()))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::tiles::Tile;

    fn of(height: usize, width: usize, value: impl Fn(usize, usize) -> f32) -> f32 {
        let values: Vec<_> = (0..3 * height * width)
            .map(|k| value(k / width % height, k % width))
            .collect();
        let data = TensorData::new(values, [1, 3, height, width]);
        let window = Tile::whole([height, width]).window(0);
        total_variation(Tensor::from_data(data, &Device::flex()), &window).into_scalar()
    }

    #[test]
    fn a_ramp_varies_by_the_square_of_its_slope() {
        let found = of(9, 14, |y, x| 0.02 * x as f32 + 0.05 * y as f32);
        assert!((found / 0.0029 - 1.0).abs() < 1e-3, "{found}");
    }

    #[test]
    fn the_same_texture_on_a_larger_canvas_has_the_same_variation() {
        let checks = |y: usize, x: usize| ((x + y) % 2) as f32;
        assert!((of(8, 6, checks) - 2.0).abs() < 1e-6);
        assert!((of(64, 48, checks) - 2.0).abs() < 1e-6);
    }

    #[test]
    fn one_pixel_and_one_colour_do_not_vary() {
        assert!(of(1, 1, |_, _| 0.7).abs() < f32::EPSILON);
        assert!(of(5, 1, |_, _| 0.7).abs() < f32::EPSILON);
    }
}
