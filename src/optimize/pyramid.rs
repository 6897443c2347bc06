use burn::tensor::module::{avg_pool2d, interpolate};
use burn::tensor::ops::{AvgPoolOptions, InterpolateMode, InterpolateOptions};
use burn::tensor::{Tensor, s};

/// Levels below the picture: the coarsest has an eighth of its sides.
const LEVELS: usize = 3;
/// How much more each level counts than the one above it.
const RATIO: f32 = 2.0;

/// What a gradient becomes where a picture is written as a pyramid: sum of 2ᵏ Uₖ Uₖᵀ g over the
/// levels k, `[1, channels, height, width]`.
///
/// Uₖ takes level k up to the picture, each time every pixel to 2 x 2, blurred. Steepest descent in
/// the coefficients z of x = sum of 2^(k/2) Uₖ zₖ (Kolkin, Salavon and Shakhnarovich 2019 optimise a
/// Laplacian pyramid) is descent along this map in x. It is symmetric and positive, so L-BFGS may
/// start from it in place of the identity: large structures, to which single pixels add little,
/// move first.
pub fn smoothed(gradient: Tensor<4>) -> Tensor<4> {
    level(gradient, LEVELS, 1.0)
}

/// The part of a level with `below` others below it, counted `weight` times.
fn level(z: Tensor<4>, below: usize, weight: f32) -> Tensor<4> {
    let [_, _, height, width] = z.dims();
    let own = z.clone().mul_scalar(weight);
    if below == 0 || height.min(width) < 2 {
        return own;
    }
    own + up(level(down(z), below - 1, weight * RATIO), [height, width])
}

/// The next level: sums of four pixels, halved so that a constant keeps its length; zeros beyond an
/// odd border.
fn down(z: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = z.dims();
    let mut pools = AvgPoolOptions::new([2, 2]);
    pools.padding = [(0, height % 2), (0, width % 2)];
    avg_pool2d(blurred(z), pools).mul_scalar(2.0)
}

/// The transpose of [`down`].
fn up(z: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [_, _, rows, columns] = z.dims();
    let nearest = InterpolateOptions::new(InterpolateMode::Nearest)
        .with_align_corners(false)
        .with_output_size([2 * rows, 2 * columns]);
    let wide = interpolate(z, nearest).slice(s![.., .., ..height, ..width]);
    blurred(wide.mul_scalar(0.5))
}

/// By [1, 2, 1] / 4 along rows and columns; the border repeats itself, which keeps the map symmetric.
fn blurred(z: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = z.dims();
    let above = Tensor::cat(
        vec![
            z.clone().slice(s![.., .., ..1, ..]),
            z.clone().slice(s![.., .., ..height - 1, ..]),
        ],
        2,
    );
    let beneath = Tensor::cat(
        vec![
            z.clone().slice(s![.., .., 1.., ..]),
            z.clone().slice(s![.., .., height - 1.., ..]),
        ],
        2,
    );
    let z = z.mul_scalar(0.5) + (above + beneath).mul_scalar(0.25);
    let left = Tensor::cat(
        vec![
            z.clone().slice(s![.., .., .., ..1]),
            z.clone().slice(s![.., .., .., ..width - 1]),
        ],
        3,
    );
    let right = Tensor::cat(
        vec![
            z.clone().slice(s![.., .., .., 1..]),
            z.clone().slice(s![.., .., .., width - 1..]),
        ],
        3,
    );
    z.mul_scalar(0.5) + (left + right).mul_scalar(0.25)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn noise([height, width]: [usize; 2], phase: f32) -> Tensor<4> {
        let values: Vec<f32> = (0..3 * height * width)
            .map(|k| (phase * k as f32 + phase).sin())
            .collect();
        let data = TensorData::new(values, [1, 3, height, width]);
        Tensor::from_data(data, &Device::flex())
    }

    fn dot(a: &Tensor<4>, b: &Tensor<4>) -> f32 {
        (a.clone() * b.clone()).sum().into_scalar()
    }

    #[test]
    fn the_map_is_symmetric_and_positive_at_every_size() {
        for size in [[1, 1], [1, 7], [2, 2], [5, 3], [9, 16], [17, 31], [33, 64]] {
            let (a, b) = (noise(size, 1.3), noise(size, 2.9));
            let (one, other) = (dot(&a, &smoothed(b.clone())), dot(&b, &smoothed(a.clone())));
            let scale = dot(&a, &smoothed(a.clone()));
            assert!(
                (one - other).abs() < 1e-4 * scale,
                "{size:?}: {one} {other}"
            );
            assert!(scale >= dot(&a, &a) * 0.999, "{size:?}");
        }
    }

    #[test]
    fn what_is_constant_counts_fifteen_times_a_checkerboard() {
        let size = [32, 32];
        let device = Device::flex();
        let flat = Tensor::<4>::ones([1, 3, size[0], size[1]], &device);
        let board: Vec<f32> = (0..3 * 32 * 32)
            .map(|k| if (k + k / 32) % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        let board = Tensor::from_data(TensorData::new(board, [1, 3, 32, 32]), &device);
        let gain = |x: &Tensor<4>| dot(x, &smoothed(x.clone())) / dot(x, x);
        assert!((gain(&flat) - 15.0).abs() < 1e-3, "{}", gain(&flat));
        assert!(gain(&board) < 1.05, "{}", gain(&board));
    }
}
