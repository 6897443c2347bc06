//! The first layer: few input channels, in planes as a picture has them, so that Winograd's
//! transforms would not pay.

use rayon::prelude::*;

use super::buffer::Buffer;
use super::filters::{PANEL, padded};
use super::gram::Back;
use super::phase::{self, Phase, timed};
use super::simd::{Isa, Kernel, Left, Product, STRIP, Simd, transpose16};
use super::standardisation::Standardisation;
use super::winograd::Fetch;

/// Pixels in a segment of a row, small enough for the cache.
const SEGMENT: usize = 96;
/// Pixels between reading one and announcing another.
const AHEAD: usize = 16;
/// Rows of the picture's gradient that a thread takes at a time.
const BAND: usize = 16;

/// Filters of a layer with few input channels.
#[derive(Debug)]
pub struct Direct {
    /// Of the input; its zero padding comes after.
    standardisation: Standardisation,
    /// Input channels.
    pub inputs: usize,
    /// Output channels, a multiple of 16.
    pub outputs: usize,
    /// 9 x inputs rows of output channels, in panels.
    forward: Buffer,
    /// Output channels rows of 9 x inputs, padded to a multiple of 16, each times its channel's scale.
    backward: Buffer,
}

impl Direct {
    /// Takes `weight` in the order output, input, row, column.
    pub fn new(weight: &[f32], outputs: usize, standardisation: Standardisation) -> Self {
        let inputs = standardisation.mean.len();
        let (taps, columns) = (inputs * 9, padded(outputs));
        assert_eq!(weight.len(), outputs * taps, "filters of 3x3");
        assert!(padded(taps) <= PANEL, "few input channels");
        let (mut forward, mut backward) = (
            Buffer::new(taps * columns),
            Buffer::new(columns * padded(taps)),
        );
        forward.fill(0.0);
        backward.fill(0.0);
        for (k, filter) in weight.chunks(taps).enumerate() {
            let panel = k / PANEL * PANEL;
            let width = (columns - panel).min(PANEL);
            for (tap, &value) in filter.iter().enumerate() {
                forward[panel * taps + tap * width + k - panel] = value;
                backward[k * padded(taps) + tap] = value * standardisation.scale[tap / 9];
            }
        }
        Self {
            standardisation,
            inputs,
            outputs: columns,
            forward,
            backward,
        }
    }

    /// Convolution, bias and `ReLU` of planes; fills `out`, channels-last, and the bits.
    pub fn forward(
        &self,
        isa: Isa,
        (planes, height, width): (&[f32], usize, usize),
        bias: &[f32],
        out: &mut [f32],
        bits: &mut [u16],
    ) {
        phase::count(
            Phase::FirstLayer,
            18 * self.inputs * self.outputs * height * width,
        );
        let row = width * self.outputs;
        let rows = out.par_chunks_mut(row).zip(bits.par_chunks_mut(row / 16));
        rows.enumerate()
            .with_max_len(4)
            .for_each(|(y, (out, bits))| {
                timed(Phase::FirstLayer, || {
                    let mut patches = Buffer::new(9 * self.inputs * SEGMENT);
                    for x in (0..width).step_by(SEGMENT) {
                        let count = SEGMENT.min(width - x);
                        self.gather(planes, [height, width], [y, x, count], &mut patches);
                        let part = x * self.outputs..(x + count) * self.outputs;
                        let bits = &mut bits[part.start / 16..part.end / 16];
                        isa.run(Segment {
                            layer: self,
                            patches: &patches,
                            bias,
                            out: &mut out[part],
                            bits,
                        });
                    }
                });
            });
    }

    /// Adds the gradient of the layer's map to `out`, given what the map is multiplied by for it; the map is
    /// made anew, a segment at a time.
    pub fn gram_backward(
        &self,
        isa: Isa,
        (planes, height, width): (&[f32], usize, usize),
        bias: &[f32],
        right: &[f32],
        out: &mut [f32],
    ) {
        let channels = self.outputs;
        phase::count(
            Phase::FirstLayer,
            18 * self.inputs * channels * height * width,
        );
        phase::count(Phase::Gram, 2 * height * width * channels * channels);
        let rows = out.par_chunks_mut(width * channels).enumerate();
        rows.with_max_len(4).for_each(|(y, out)| {
            let mut patches = Buffer::new(9 * self.inputs * SEGMENT);
            let mut map = Buffer::new(channels * SEGMENT);
            let mut bits = vec![0; SEGMENT * channels / 16];
            for (x, out) in out.chunks_mut(SEGMENT * channels).enumerate() {
                let (x, count) = (x * SEGMENT, out.len() / channels);
                let map = &mut map[..out.len()];
                timed(Phase::FirstLayer, || {
                    self.gather(planes, [height, width], [y, x, count], &mut patches);
                    isa.run(Segment {
                        layer: self,
                        patches: &patches,
                        bias,
                        out: map,
                        bits: &mut bits[..count * channels / 16],
                    });
                });
                timed(Phase::Gram, || {
                    isa.run(Back {
                        map,
                        right,
                        channels,
                        out,
                        add: true,
                    });
                });
            }
        });
    }

    /// The 3 x 3 neighbourhoods of a segment: for each plane and tap, a run of pixels.
    fn gather(
        &self,
        planes: &[f32],
        [height, width]: [usize; 2],
        [y, x, count]: [usize; 3],
        out: &mut [f32],
    ) {
        for (tap, run) in out.chunks_mut(SEGMENT).enumerate() {
            let (c, ky, kx) = (tap / 9, tap % 9 / 3, tap % 3);
            let row = (y + ky).wrapping_sub(1);
            if row >= height {
                run.fill(0.0);
                continue;
            }
            let row = &planes[(c * height + row) * width..][..width];
            // The run reads columns from x + kx - 1 on; those outside the row are zero.
            let skip = usize::from(x + kx == 0);
            let start = x + kx + skip - 1;
            let end = (x + kx + count - 1).min(width);
            let filled = skip + end.saturating_sub(start);
            run[..skip].fill(0.0);
            let seen = &row[start..end.max(start)];
            self.standardisation.copy(c, seen, &mut run[skip..filled]);
            run[filled..].fill(0.0);
        }
    }

    /// The gradient with respect to the planes.
    pub fn backward<F: Fetch>(
        &self,
        isa: Isa,
        gradient: &F,
        [height, width]: [usize; 2],
    ) -> Buffer {
        phase::count(
            Phase::FirstLayer,
            18 * self.inputs * self.outputs * height * width,
        );
        let mut planes = Buffer::new(self.inputs * height * width);
        let mut bands: Vec<Vec<&mut [f32]>> = Vec::new();
        for plane in planes.chunks_mut((height * width).max(1)) {
            for (i, rows) in plane.chunks_mut(BAND * width).enumerate() {
                if bands.len() <= i {
                    bands.push(Vec::new());
                }
                bands[i].push(rows);
            }
        }
        bands
            .into_par_iter()
            .enumerate()
            .with_max_len(1)
            .for_each(|(i, mut band)| {
                timed(Phase::FirstLayer, || {
                    self.band(isa, gradient, [height, width], i * BAND, &mut band);
                });
            });
        planes
    }

    /// Some rows of the gradient, from row `first` on, in all planes.
    fn band<F: Fetch>(
        &self,
        isa: Isa,
        gradient: &F,
        [height, width]: [usize; 2],
        first: usize,
        band: &mut [&mut [f32]],
    ) {
        let taps = padded(self.inputs * 9);
        // What the pixels of a row of the output send back: a line for each tap.
        let line = width.next_multiple_of(16) + 16;
        let mut sent = Buffer::new(taps * line);
        let mut products = Buffer::new(SEGMENT * taps);
        let mut gated = Buffer::new(SEGMENT * self.outputs);
        let count = band[0].len() / width;
        for rows in band.iter_mut() {
            rows.fill(0.0);
        }
        for y in first.saturating_sub(1)..(first + count + 1).min(height) {
            for x in (0..width).step_by(SEGMENT) {
                let count = SEGMENT.min(width - x);
                isa.run(Send {
                    layer: self,
                    gradient,
                    y,
                    x,
                    count,
                    gated: &mut gated,
                    products: &mut products,
                    out: &mut sent[x..],
                    out_row: line,
                });
            }
            for ky in 0..3 {
                // Output row y reads input row y + ky - 1.
                let Some(to) = (y + ky).checked_sub(first + 1).filter(|&to| to < count) else {
                    continue;
                };
                for (c, rows) in band.iter_mut().enumerate() {
                    let out = &mut rows[to * width..(to + 1) * width];
                    receive(out, &sent[(c * 3 + ky) * 3 * line..], line);
                }
            }
        }
    }
}

/// Adds up what a row of output pixels sends to a row of one plane through three taps, each a line.
fn receive(out: &mut [f32], sent: &[f32], line: usize) {
    let width = out.len();
    for (value, middle) in out.iter_mut().zip(&sent[line..]) {
        *value += middle;
    }
    // The left tap of a pixel looks at the pixel before it: so it sends to the one before.
    for (value, left) in out.iter_mut().zip(&sent[1..width]) {
        *value += left;
    }
    for (value, right) in out[1..].iter_mut().zip(&sent[2 * line..]) {
        *value += right;
    }
}

struct Segment<'a> {
    layer: &'a Direct,
    patches: &'a [f32],
    bias: &'a [f32],
    out: &'a mut [f32],
    bits: &'a mut [u16],
}

impl Kernel for Segment<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (taps, outputs) = (9 * self.layer.inputs, self.layer.outputs);
        for panel in (0..outputs).step_by(PANEL) {
            let width = (outputs - panel).min(PANEL);
            Product {
                rows: self.out.len() / outputs,
                depth: taps,
                width,
                left: Left {
                    data: self.patches,
                    row: 1,
                    step: SEGMENT,
                },
                right: &self.layer.forward[panel * taps..],
                right_row: width,
                right_strip: STRIP,
                out: &mut self.out[panel..],
                out_row: outputs,
                add: false,
            }
            .run(s);
        }
        let zero = s.splat(0.0);
        for (pixel, bits) in self
            .out
            .chunks_exact_mut(outputs)
            .zip(self.bits.chunks_exact_mut(outputs / 16))
        {
            for c in (0..outputs).step_by(S::LANES) {
                let v = s.add(s.load(pixel, c), s.load(self.bias, c));
                s.store(pixel, c, s.max(zero, v));
                super::bits::set::<S>(bits, c, s.greater(v, zero));
            }
        }
    }
}

struct Send<'a, F> {
    layer: &'a Direct,
    gradient: &'a F,
    y: usize,
    x: usize,
    count: usize,
    gated: &'a mut [f32],
    /// Room for the products.
    products: &'a mut [f32],
    /// A line for each tap.
    out: &'a mut [f32],
    out_row: usize,
}

impl<F: Fetch> Kernel for Send<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (taps, outputs) = (padded(9 * self.layer.inputs), self.layer.outputs);
        let (height, width) = self.gradient.extent();
        for (i, pixel) in self
            .gated
            .chunks_exact_mut(outputs)
            .take(self.count)
            .enumerate()
        {
            if self.y < height && self.x + i < width {
                let place = self.gradient.place(self.y, self.x + i);
                let later = self.gradient.place(self.y, self.x + i + AHEAD);
                for c in (0..outputs).step_by(S::LANES) {
                    self.gradient.prefetch(s, later, c);
                    s.store(pixel, c, self.gradient.fetch(s, place, c));
                }
            } else {
                pixel.fill(0.0);
            }
        }
        Product {
            rows: self.count,
            depth: outputs,
            width: taps,
            left: Left {
                data: self.gated,
                row: outputs,
                step: 1,
            },
            right: &self.layer.backward,
            right_row: taps,
            right_strip: STRIP,
            out: &mut *self.products,
            out_row: taps,
            add: false,
        }
        .run(s);
        for x in (0..self.count).step_by(16) {
            for tap in (0..taps).step_by(16) {
                let from = &self.products[x * taps + tap..];
                transpose16(
                    from,
                    taps,
                    &mut self.out[tap * self.out_row + x..],
                    self.out_row,
                );
            }
        }
    }
}
