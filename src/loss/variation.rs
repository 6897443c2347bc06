use burn::tensor::{Tensor, s};

/// Total variation of `x`, `[1, channels, height, width]`: the mean over channels and pixels of
/// the squared difference to the pixel on the right, plus that to the pixel below.
///
/// A mean, as the Gram matrices are: the same texture on a larger canvas has the same loss, so one
/// weight does for every size.
pub fn total_variation(x: &Tensor<4>) -> Tensor<1> {
    let [_, _, height, width] = x.dims();
    let mut sum = Tensor::zeros([1], &x.device());
    if width > 1 {
        let right = x.clone().slice(s![.., .., .., 1..]);
        let left = x.clone().slice(s![.., .., .., ..width - 1]);
        sum = sum + (right - left).square().mean();
    }
    if height > 1 {
        let below = x.clone().slice(s![.., .., 1.., ..]);
        let above = x.clone().slice(s![.., .., ..height - 1, ..]);
        sum = sum + (below - above).square().mean();
    }
    sum
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn of(height: usize, width: usize, value: impl Fn(usize, usize) -> f32) -> f32 {
        let values: Vec<_> = (0..3 * height * width)
            .map(|k| value(k / width % height, k % width))
            .collect();
        let data = TensorData::new(values, [1, 3, height, width]);
        total_variation(&Tensor::from_data(data, &Device::flex())).into_scalar()
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
