//! NEON, which every 64-bit ARM has.

use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vaddvq_u32, vandq_u32, vbslq_f32, vcgtq_f32, vdupq_n_f32, vdupq_n_u32,
    vfmaq_f32, vld1q_f32, vld1q_u32, vmulq_f32, vreinterpretq_f32_u32, vreinterpretq_u32_f32,
    vst1q_f32, vsubq_f32, vtstq_u32,
};

use super::Simd;

/// Four floats at a time.
#[derive(Clone, Copy)]
pub struct Neon(());

impl Neon {
    /// Always there on this target.
    pub fn new() -> Self {
        Self(())
    }
}

const LANE: [u32; 4] = [1, 2, 4, 8];

/// Calls an intrinsic.
macro_rules! with {
    ($e:expr) => {
        // SAFETY: NEON is part of the target's baseline; pointers are the caller's.
        unsafe { $e }
    };
}

impl Simd for Neon {
    type V = float32x4_t;
    const LANES: usize = 4;
    const ROWS: usize = 6;
    const VECTORS: usize = 4;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        with!(vdupq_n_f32(x))
    }
    #[inline(always)]
    unsafe fn read(self, p: *const f32) -> Self::V {
        with!(vld1q_f32(p))
    }
    #[inline(always)]
    unsafe fn write(self, p: *mut f32, v: Self::V) {
        with!(vst1q_f32(p, v));
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        with!(vaddq_f32(a, b))
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        with!(vsubq_f32(a, b))
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        with!(vmulq_f32(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        with!(vfmaq_f32(c, a, b))
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        with!(vbslq_f32(vcgtq_f32(a, b), a, b))
    }
    #[inline(always)]
    fn greater(self, a: Self::V, b: Self::V) -> u32 {
        with!(vaddvq_u32(vandq_u32(
            vcgtq_f32(a, b),
            vld1q_u32(LANE.as_ptr())
        )))
    }
    #[inline(always)]
    fn keep(self, v: Self::V, bits: u32) -> Self::V {
        with!({
            let set = vtstq_u32(vdupq_n_u32(bits), vld1q_u32(LANE.as_ptr()));
            vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), set))
        })
    }
}
