//! Changes of layout, and pools that follow no convolution of ours.

use rayon::prelude::*;

use super::bits;
use super::buffer::Buffer;
use super::layer::Pool;
use super::phase::{Phase, timed};
use super::simd::{Isa, Kernel, Simd};
use super::winograd::{self, Fetch, Unpooled};

/// Widens pixels from `from` to `to` channels with zeros; `None` where they are as wide already.
pub fn pad(map: &[f32], from: usize, to: usize) -> Option<Buffer> {
    (from != to).then(|| {
        let mut wide = Buffer::new(map.len() / from * to);
        for (wide, pixel) in wide.chunks_mut(to).zip(map.chunks(from)) {
            wide[..from].copy_from_slice(pixel);
            wide[from..].fill(0.0);
        }
        wide
    })
}

/// A buffer of zeros.
pub fn zeros(len: usize) -> Buffer {
    let mut zeros = Buffer::new(len);
    zeros.fill(0.0);
    zeros
}

/// Narrows pixels from `from` to `to` channels.
pub fn crop(map: Buffer, from: usize, to: usize) -> Buffer {
    if from == to {
        return map;
    }
    let mut narrow = Buffer::new(map.len() / from * to);
    for (narrow, pixel) in narrow.chunks_mut(to).zip(map.chunks(from)) {
        narrow.copy_from_slice(&pixel[..to]);
    }
    narrow
}

/// `ReLU` and pool of a channels-last map, channels a multiple of 16; sets the bits.
pub fn pool(
    isa: Isa,
    map: &[f32],
    shape: [usize; 3],
    pool: Pool,
    out: &mut [f32],
    bits: &mut [u16],
) {
    let [_, width, channels] = shape;
    let (two_rows, out_row) = (2 * width * channels, width / 2 * channels);
    if out_row == 0 {
        return;
    }
    out.par_chunks_mut(out_row)
        .zip(map.par_chunks(two_rows))
        .zip(bits.par_chunks_mut(two_rows / 16))
        .for_each(|((out, map), bits)| {
            timed(Phase::Layout, || match pool {
                Pool::Average => isa.run(Windows::<false> {
                    map,
                    width,
                    channels,
                    out,
                    bits,
                }),
                _ => isa.run(Windows::<true> {
                    map,
                    width,
                    channels,
                    out,
                    bits,
                }),
            });
        });
}

/// The gradient of a pool's input, of `shape`, where the bits let it pass.
pub fn unpool(isa: Isa, gradient: &[f32], shape: [usize; 3], pool: Pool, bits: &[u16]) -> Buffer {
    let [height, width, channels] = shape;
    let mut out = Buffer::new(height * width * channels);
    let share = if pool == Pool::Average { 0.25 } else { 1.0 };
    let fetch = Unpooled {
        shape,
        data: gradient,
        bits,
        share,
    };
    out.par_chunks_mut(width * channels)
        .enumerate()
        .for_each(|(y, out)| {
            timed(Phase::Layout, || {
                isa.run(Spread {
                    fetch: &fetch,
                    y,
                    out,
                });
            });
        });
    out
}

/// A row of the input's gradient.
struct Spread<'a, 'b> {
    fetch: &'a Unpooled<'b>,
    y: usize,
    out: &'a mut [f32],
}

impl Kernel for Spread<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let channels = self.fetch.channels();
        let (height, width) = self.fetch.extent();
        for (x, out) in self.out.chunks_exact_mut(channels).enumerate() {
            for c in (0..channels).step_by(S::LANES) {
                let inside = self.y < height && x < width;
                let v = if inside {
                    self.fetch.fetch(s, self.fetch.place(self.y, x), c)
                } else {
                    s.splat(0.0)
                };
                s.store(out, c, v);
            }
        }
    }
}

/// The windows of two rows.
struct Windows<'a, const MAX: bool> {
    map: &'a [f32],
    width: usize,
    channels: usize,
    out: &'a mut [f32],
    bits: &'a mut [u16],
}

impl<const MAX: bool> Kernel for Windows<'_, MAX> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (x, out) in self.out.chunks_exact_mut(self.channels).enumerate() {
            for c in (0..self.channels).step_by(S::LANES) {
                let mut at = [0; 4];
                let mut window = [s.splat(0.0); 4];
                for k in 0..4 {
                    at[k] = (k / 2 * self.width + 2 * x + k % 2) * self.channels + c;
                    window[k] = s.load(self.map, at[k]);
                }
                let (value, passes) = winograd::pool::<S, MAX>(s, window);
                s.store(out, c, value);
                for k in 0..4 {
                    bits::set::<S>(self.bits, at[k], passes[k]);
                }
            }
        }
    }
}
