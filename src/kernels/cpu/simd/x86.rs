//! AVX-512 and AVX2 with FMA.

use std::arch::x86_64::{
    __m256, __m512, _CMP_GT_OQ, _MM_HINT_T0, _mm_prefetch, _mm256_add_ps, _mm256_and_ps,
    _mm256_and_si256, _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_cmpeq_epi32, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_max_ps, _mm256_movemask_ps, _mm256_mul_ps, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_setr_epi32, _mm256_storeu_ps, _mm256_sub_ps, _mm512_add_ps,
    _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_maskz_mov_ps, _mm512_max_ps,
    _mm512_mul_ps, _mm512_set1_ps, _mm512_storeu_ps, _mm512_sub_ps,
};

use super::{Kernel, Simd};

/// Proof of AVX-512F; only [`run_avx512`] makes one.
#[derive(Clone, Copy)]
pub struct Avx512(());

/// Proof of AVX2 and FMA; only [`run_avx2`] makes one.
#[derive(Clone, Copy)]
pub struct Avx2(());

/// Runs a kernel with AVX-512.
///
/// # Safety
/// The machine must have the features named below.
#[target_feature(enable = "avx512f,avx2,fma")]
pub unsafe fn run_avx512<K: Kernel>(kernel: K) {
    kernel.run(Avx512(()));
}

/// Runs a kernel with AVX2.
///
/// # Safety
/// The machine must have the features named below.
#[target_feature(enable = "avx2,fma")]
pub unsafe fn run_avx2<K: Kernel>(kernel: K) {
    kernel.run(Avx2(()));
}

/// Calls an intrinsic.
macro_rules! with {
    ($e:expr) => {
        // SAFETY: a value of the type `Self` proves the feature; pointers are the caller's.
        unsafe { $e }
    };
}

impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;
    const ROWS: usize = 6;
    const VECTORS: usize = 4;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        with!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    unsafe fn read(self, p: *const f32) -> Self::V {
        with!(_mm512_loadu_ps(p))
    }
    #[inline(always)]
    unsafe fn write(self, p: *mut f32, v: Self::V) {
        with!(_mm512_storeu_ps(p, v));
    }
    #[inline(always)]
    fn prefetch(self, s: &[f32], at: usize) {
        // A prefetch reads nothing, so its address may lie anywhere.
        with!(_mm_prefetch::<_MM_HINT_T0>(
            s.as_ptr().wrapping_add(at).cast()
        ));
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        with!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        with!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        with!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        with!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        with!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn greater(self, a: Self::V, b: Self::V) -> u32 {
        u32::from(with!(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b)))
    }
    #[inline(always)]
    fn keep(self, v: Self::V, bits: u32) -> Self::V {
        with!(_mm512_maskz_mov_ps(bits as u16, v))
    }
}

impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const ROWS: usize = 6;
    const VECTORS: usize = 2;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        with!(_mm256_set1_ps(x))
    }
    #[inline(always)]
    unsafe fn read(self, p: *const f32) -> Self::V {
        with!(_mm256_loadu_ps(p))
    }
    #[inline(always)]
    unsafe fn write(self, p: *mut f32, v: Self::V) {
        with!(_mm256_storeu_ps(p, v));
    }
    #[inline(always)]
    fn prefetch(self, s: &[f32], at: usize) {
        // A prefetch reads nothing, so its address may lie anywhere.
        with!(_mm_prefetch::<_MM_HINT_T0>(
            s.as_ptr().wrapping_add(at).cast()
        ));
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        with!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        with!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        with!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        with!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        with!(_mm256_max_ps(a, b))
    }
    #[inline(always)]
    fn greater(self, a: Self::V, b: Self::V) -> u32 {
        with!(_mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a, b))) as u32
    }
    #[inline(always)]
    fn keep(self, v: Self::V, bits: u32) -> Self::V {
        with!({
            let lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let set = _mm256_and_si256(_mm256_set1_epi32(bits.cast_signed()), lane);
            _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, lane)))
        })
    }
}
