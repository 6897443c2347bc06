//! The slice kernels against plain double-precision loops.

use proptest::prelude::*;

use super::bits::Bits;
use super::buffer::Buffer;
use super::filters::padded;
use super::gram::{matrix, matrix_backward};
use super::layer::{FusedLayer, Pool};
use super::simd::Isa;

/// max |error| / max |expected| that the kernels must stay under.
const TOLERANCE: f64 = 5e-5;

/// Numbers in -1..1 that look random.
fn noise(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15);
    (0..len)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
        })
        .collect()
}

fn isas() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.available())
}

fn assert_close(found: &[f32], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let largest = expected.iter().fold(0.0_f64, |m, e| m.max(e.abs()));
    let error = found
        .iter()
        .zip(expected)
        .fold(0.0_f64, |m, (&f, e)| m.max((f64::from(f) - e).abs()));
    assert!(
        error <= TOLERANCE * largest,
        "{what}: error {error:e} of {largest:e}"
    );
}

/// A layer and its input, channels-last, with plain loops over them.
struct Case {
    shape: [usize; 2],
    inputs: usize,
    outputs: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
    input: Vec<f32>,
}

impl Case {
    fn new(seed: u64, shape: [usize; 2], inputs: usize, outputs: usize) -> Self {
        Self {
            shape,
            inputs,
            outputs,
            weight: noise(seed, outputs * inputs * 9),
            bias: noise(seed + 1, outputs),
            input: noise(seed + 2, shape[0] * shape[1] * inputs),
        }
    }

    /// Calls `f` with the indices of output, weight and input for every product of the convolution.
    fn each_product(&self, mut f: impl FnMut(usize, usize, usize)) {
        let [height, width] = self.shape;
        for (y, x, ky, kx) in
            (0..height * width * 9).map(|n| (n / 9 / width, n / 9 % width, n % 9 / 3, n % 3))
        {
            let (row, column) = ((y + ky).wrapping_sub(1), (x + kx).wrapping_sub(1));
            if row >= height || column >= width {
                continue;
            }
            for k in 0..self.outputs {
                for c in 0..self.inputs {
                    f(
                        (y * width + x) * self.outputs + k,
                        (k * self.inputs + c) * 9 + ky * 3 + kx,
                        (row * width + column) * self.inputs + c,
                    );
                }
            }
        }
    }

    /// The convolution with its bias, before the `ReLU`.
    fn convolution(&self) -> Vec<f64> {
        let pixels = self.shape[0] * self.shape[1];
        let mut out: Vec<f64> = (0..pixels * self.outputs)
            .map(|i| f64::from(self.bias[i % self.outputs]))
            .collect();
        self.each_product(|o, w, i| out[o] += f64::from(self.weight[w]) * f64::from(self.input[i]));
        out
    }

    /// The gradient of the input, given that of the convolution.
    fn gradient(&self, of_output: &[f64]) -> Vec<f64> {
        let mut gradient = vec![0.0; self.input.len()];
        self.each_product(|o, w, i| gradient[i] += f64::from(self.weight[w]) * of_output[o]);
        gradient
    }

    fn layer(&self, isa: Isa) -> FusedLayer {
        FusedLayer::with_isa(isa, &self.weight, &self.bias, self.inputs)
    }

    /// The input or its gradient as the layer wants it.
    fn arranged(&self, layer: &FusedLayer) -> Vec<f32> {
        if layer.planar() {
            planes(&self.input, self.inputs)
        } else {
            self.input.clone()
        }
    }
}

/// Channels-last to planes.
fn planes<T: Copy>(map: &[T], channels: usize) -> Vec<T> {
    (0..channels)
        .flat_map(|c| map.iter().skip(c).step_by(channels).copied())
        .collect()
}

/// Bit by bit, without the padding channels.
fn bools(bits: &Bits, channels: usize) -> Vec<bool> {
    let wide = padded(channels);
    (0..bits.len() * 16)
        .filter(|i| i % wide < channels)
        .map(|i| bits.get(i))
        .collect()
}

/// `ReLU` and pool with plain loops: values, and where the gradient passes.
fn pooled(
    map: &[f32],
    [height, width]: [usize; 2],
    channels: usize,
    pool: Pool,
) -> (Vec<f32>, Vec<bool>) {
    let relu: Vec<f32> = map.iter().map(|v| v.max(0.0)).collect();
    if pool == Pool::None {
        return (relu, map.iter().map(|&v| v > 0.0).collect());
    }
    let mut out = Vec::new();
    let mut passes = vec![false; map.len()];
    for (y, x, c) in (0..height / 2 * (width / 2) * channels).map(|n| {
        (
            n / channels / (width / 2),
            n / channels % (width / 2),
            n % channels,
        )
    }) {
        let at = [(0, 0), (0, 1), (1, 0), (1, 1)]
            .map(|(i, j)| ((2 * y + i) * width + 2 * x + j) * channels + c);
        if pool == Pool::Max {
            let first = at
                .into_iter()
                .rev()
                .max_by(|&a, &b| relu[a].total_cmp(&relu[b]))
                .unwrap();
            out.push(relu[first]);
            passes[first] = relu[first] > 0.0;
        } else {
            out.push(at.iter().map(|&a| relu[a]).sum::<f32>() * 0.25);
            for a in at {
                passes[a] = relu[a] > 0.0;
            }
        }
    }
    (out, passes)
}

const POOLS: [Pool; 3] = [Pool::None, Pool::Max, Pool::Average];

/// Everything a layer promises, for one set of instructions.
fn check(case: &Case, isa: Isa, seed: u64) {
    let layer = case.layer(isa);
    let input = case.arranged(&layer);
    let (full, full_bits) = layer.forward(&input, case.shape, Pool::None);
    let relu: Vec<f64> = case.convolution().iter().map(|v| v.max(0.0)).collect();
    assert_close(&full, &relu, &format!("{isa:?} forward"));
    let positive: Vec<bool> = full.iter().map(|&v| v > 0.0).collect();
    assert!(
        bools(&full_bits, case.outputs) == positive,
        "{isa:?}: bits of the ReLU"
    );
    for pool in POOLS {
        let (out, bits) = layer.forward(&input, case.shape, pool);
        // The same sums come before every pool, so pools and bits can be compared exactly.
        let (expected, passes) = pooled(&full, case.shape, case.outputs, pool);
        if pool == Pool::Average {
            let expected: Vec<f64> = expected.iter().map(|&v| f64::from(v)).collect();
            assert_close(&out, &expected, "average");
        } else {
            assert!(out[..] == expected[..], "{isa:?} {pool:?}");
        }
        assert!(
            bools(&bits, case.outputs) == passes,
            "{isa:?} {pool:?}: bits"
        );
        // Any bits will do for the gradient.
        let mut bits = bits;
        let random = noise(seed + 4, bits.len());
        for (word, v) in bits.iter_mut().zip(random) {
            *word = (v * 32e3) as i16 as u16;
        }
        let gradient = noise(seed + 3, out.len());
        let found = layer.backward(&gradient, &bits, case.shape, pool);
        let mut expected = case.gradient(&unpooled(&gradient, &bits, case, pool));
        if layer.planar() {
            expected = planes(&expected, case.inputs);
        }
        assert_close(&found, &expected, &format!("{isa:?} {pool:?} gradient"));
    }
}

/// The gradient before pool and `ReLU`.
fn unpooled(gradient: &[f32], bits: &Bits, case: &Case, pool: Pool) -> Vec<f64> {
    let ([height, width], channels) = (case.shape, case.outputs);
    bools(bits, channels)
        .into_iter()
        .enumerate()
        .map(|(at, passes)| {
            let (y, x, c) = (at / channels / width, at / channels % width, at % channels);
            let dropped = pool != Pool::None && (y >= height / 2 * 2 || x >= width / 2 * 2);
            if !passes || dropped {
                return 0.0;
            }
            match pool {
                Pool::None => f64::from(gradient[at]),
                Pool::Max => f64::from(gradient[(y / 2 * (width / 2) + x / 2) * channels + c]),
                Pool::Average => {
                    f64::from(gradient[(y / 2 * (width / 2) + x / 2) * channels + c]) / 4.0
                }
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_layer_of_any_shape_agrees_with_plain_loops(
        seed in any::<u32>(), height in 1_usize..=70, width in 1_usize..=70,
        inputs in 1_usize..=130, outputs in 1_usize..=130,
    ) {
        // Large maps get few channels and the other way round: the plain loops are slow.
        let most = (400_000 / (height * width)).max(1);
        let (inputs, outputs) = (inputs.min(most), (most / inputs.min(most)).clamp(1, outputs));
        let case = Case::new(seed.into(), [height, width], inputs, outputs);
        for isa in isas() {
            check(&case, isa, seed.into());
        }
    }

    #[test]
    fn gram_matrices_agree_with_plain_loops(
        seed in any::<u32>(), pixels in 1_usize..=300, blocks in 1_usize..=14, add in any::<bool>(),
    ) {
        check_gram(seed.into(), pixels, blocks * 16, add);
    }
}

/// A Gram matrix and its gradient against plain loops.
fn check_gram(seed: u64, pixels: usize, channels: usize, add: bool) {
    let positions = 1.5 * pixels as f32;
    let map = noise(seed, pixels * channels);
    let s = noise(seed + 1, channels * channels);
    let before = noise(seed + 2, map.len());
    let at = |m: usize, c: usize| f64::from(map[m * channels + c]);
    let mut expected = vec![0.0; channels * channels];
    let mut back: Vec<f64> = before
        .iter()
        .map(|&b| if add { b.into() } else { 0.0 })
        .collect();
    for (m, i, j) in (0..pixels * channels * channels).map(|n| {
        (
            n / channels / channels,
            n / channels % channels,
            n % channels,
        )
    }) {
        expected[i * channels + j] += at(m, i) * at(m, j) / f64::from(positions);
        let both = f64::from(s[i * channels + j]) + f64::from(s[j * channels + i]);
        back[m * channels + j] += at(m, i) * both / f64::from(positions);
    }
    for isa in isas() {
        assert_close(
            &matrix(isa, &map, channels, positions),
            &expected,
            "Gram matrix",
        );
        let mut found = before.clone();
        matrix_backward(isa, &map, channels, positions, &s, &mut found, add);
        assert_close(&found, &back, "gradient of the Gram matrix");
    }
}

#[test]
fn gram_matrices_of_many_channels_and_pixels_agree_with_plain_loops() {
    for (pixels, channels) in [(9, 528), (1100, 272), (1500, 64)] {
        check_gram(3, pixels, channels, false);
    }
}

#[test]
fn large_filters_agree_with_plain_loops_too() {
    for (inputs, outputs) in [(272, 64), (64, 320), (288, 272)] {
        check(&Case::new(5, [9, 14], inputs, outputs), Isa::chosen(), 6);
    }
    // More tiles than share one transform of the filters.
    check(&Case::new(5, [37, 38], 272, 16), Isa::chosen(), 6);
}

/// Maps small enough for Miri, which finds reads and writes out of bounds and data races: see
/// `benches/README.md`.
#[test]
fn small_maps_agree_with_plain_loops() {
    for (inputs, outputs) in [(3, 5), (17, 6)] {
        for isa in isas() {
            check(&Case::new(7, [3, 5], inputs, outputs), isa, 8);
        }
    }
}

/// As above.
#[test]
fn small_maps_with_large_filters_agree_with_plain_loops() {
    for isa in isas() {
        check(&Case::new(7, [2, 3], 257, 3), isa, 8);
    }
}

/// As above.
#[test]
fn small_maps_that_are_made_anew_give_the_gradient_that_kept_ones_give() {
    for (inputs, shape) in [(3, [5, 7]), (1, [3, 2])] {
        remade(&Case::new(9, shape, inputs, 32));
    }
}

#[test]
fn maps_that_are_made_anew_give_the_gradient_that_kept_ones_give() {
    for (inputs, shape) in [(3, [37, 211]), (5, [11, 96])] {
        remade(&Case::new(9, shape, inputs, 64));
    }
}

/// To the bit.
fn remade(case: &Case) {
    let (pixels, channels) = (case.shape[0] * case.shape[1], case.outputs);
    let s = noise(10, channels * channels);
    for isa in isas() {
        let layer = case.layer(isa);
        assert!(layer.remakes());
        let input = case.arranged(&layer);
        let (map, _) = layer.forward(&input, case.shape, Pool::None);
        let mut kept = noise(11, pixels * channels);
        let mut made = kept.clone();
        matrix_backward(isa, &map, channels, pixels as f32, &s, &mut kept, true);
        layer.gram_backward(&input, case.shape, pixels as f32, &s, &mut made);
        assert!(kept == made, "{isa:?}");
    }
}

/// As above.
#[test]
fn small_gram_matrices_agree_with_plain_loops() {
    let (map, s) = (noise(1, 5 * 80), noise(2, 80 * 80));
    for isa in isas() {
        let square = matrix(isa, &map, 80, 5.0);
        let expected: Vec<f64> = (0..80 * 80)
            .map(|n| {
                let product = |m: &[f32]| f64::from(m[n / 80]) * f64::from(m[n % 80]);
                map.chunks(80).map(product).sum::<f64>() / 5.0
            })
            .collect();
        assert_close(&square, &expected, "Gram matrix");
        let mut back = vec![0.0; map.len()];
        matrix_backward(isa, &map, 80, 5.0, &s, &mut back, false);
        let expected: Vec<f64> = (0..5 * 80)
            .map(|n| {
                let both = |i: usize| f64::from(s[i * 80 + n % 80]) + f64::from(s[n % 80 * 80 + i]);
                let sum = |i: usize| f64::from(map[n / 80 * 80 + i]) * both(i);
                (0..80).map(sum).sum::<f64>() / 5.0
            })
            .collect();
        assert_close(&back, &expected, "gradient of the Gram matrix");
    }
}

#[test]
fn the_first_of_equal_maxima_gets_the_gradient() {
    // Zero filters: every pixel of a window has the same value, the bias.
    let layer = FusedLayer::new(&[0.0; 16 * 16 * 9], &[1.0; 16], 16);
    let (out, bits) = layer.forward(&[0.5; 5 * 4 * 16], [5, 4], Pool::Max);
    assert!(out.iter().all(|&v| v.to_bits() == 1.0_f32.to_bits()));
    for at in 0..5 * 4 * 16 {
        let (y, x) = (at / 16 / 4, at / 16 % 4);
        assert_eq!(
            bits.get(at),
            y % 2 == 0 && x % 2 == 0 && y < 4,
            "row {y}, column {x}"
        );
    }
}

#[test]
fn a_nan_goes_through_to_the_output() {
    for isa in isas() {
        let layer = FusedLayer::with_isa(isa, &[1.0; 16 * 16 * 9], &[0.0; 16], 16);
        let mut input = vec![0.0; 4 * 4 * 16];
        input[0] = f32::NAN;
        assert!(
            layer.forward(&input, [4, 4], Pool::None).0[0].is_nan(),
            "{isa:?}"
        );
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let run = |threads: usize| -> Vec<u32> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut all: Vec<Buffer> = Vec::new();
            for (inputs, outputs) in [(3, 64), (64, 128), (128, 320)] {
                let case = Case::new(8, [37, 30], inputs, outputs);
                let layer = case.layer(Isa::chosen());
                let (out, bits) = layer.forward(&case.arranged(&layer), case.shape, Pool::Max);
                all.push(layer.backward(&out, &bits, case.shape, Pool::Max));
                let mut back = out.clone();
                let square = matrix(Isa::chosen(), &out, outputs, 9.0);
                matrix_backward(Isa::chosen(), &out, outputs, 9.0, &square, &mut back, true);
                all.extend([out, square, back]);
            }
            all.iter()
                .flat_map(|b| b.iter().map(|v| v.to_bits()))
                .collect()
        })
    };
    let one = run(1);
    for threads in [2, 3, 8] {
        assert!(run(threads) == one, "{threads} threads");
    }
}
