//! The vector instructions that the kernels use: one trait, one file for each instruction set.
//!
//! A kernel is written once, generic over [`Simd`], with `#[inline(always)]` on every function
//! on the way, so that [`run`] compiles it once for each instruction set and picks one when the
//! program runs. All `unsafe` code of the kernels lives in this folder.
#![allow(unsafe_code)]

mod micro;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

pub use micro::{Left, Product, STRIP, transpose16};
pub use plain::Plain;

/// A vector of `LANES` floats and what can be done with it.
///
/// Holding a value of the type is the proof that the machine has the instructions.
/// Bit masks hold lane `i` in bit `i`; bits from `LANES` up are ignored.
pub trait Simd: Copy + Send + Sync {
    /// The vector register.
    type V: Copy;
    /// Floats in a vector; 4, 8 or 16.
    const LANES: usize;
    /// Rows of the block of sums that [`Product`] keeps in registers.
    const ROWS: usize;
    /// Vectors in each of those rows.
    const VECTORS: usize;

    /// The same number in all lanes.
    fn splat(self, x: f32) -> Self::V;
    /// Reads `LANES` floats.
    ///
    /// # Safety
    /// `p` must be valid for that read.
    unsafe fn read(self, p: *const f32) -> Self::V;
    /// Writes `LANES` floats.
    ///
    /// # Safety
    /// `p` must be valid for that write.
    unsafe fn write(self, p: *mut f32, v: Self::V);
    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the machine can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a` where `a > b`, else `b`: so a NaN in `b` stays.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The lanes where `a > b`.
    fn greater(self, a: Self::V, b: Self::V) -> u32;
    /// `v` in the lanes whose bit is set, 0 in the others.
    fn keep(self, v: Self::V, bits: u32) -> Self::V;

    /// Asks for the cache line of `s[at]`, which will be read soon; any index will do.
    #[inline(always)]
    fn prefetch(self, s: &[f32], at: usize) {
        let _ = (s, at);
    }

    /// Reads `LANES` floats of `s` from index `at`; panics where there are fewer.
    #[inline(always)]
    fn load(self, s: &[f32], at: usize) -> Self::V {
        let s = &s[at..at + Self::LANES];
        // SAFETY: the slice has LANES elements.
        unsafe { self.read(s.as_ptr()) }
    }

    /// Reads `N` vectors of `s`, the first from index `at`, each `step` after the one before; panics where
    /// there are fewer floats. One look at the length serves them all.
    #[inline(always)]
    fn load_steps<const N: usize>(self, s: &[f32], at: usize, step: usize) -> [Self::V; N] {
        let s = &s[at..][..span::<N>(step, Self::LANES)];
        let mut vectors = [self.splat(0.0); N];
        for k in 0..N {
            // SAFETY: the slice has all floats up to those of the last vector.
            vectors[k] = unsafe { self.read(s.as_ptr().add(k * step)) };
        }
        vectors
    }

    /// Writes vectors to where [`Simd::load_steps`] reads them.
    #[inline(always)]
    fn store_steps<const N: usize>(self, s: &mut [f32], at: usize, step: usize, v: [Self::V; N]) {
        let s = &mut s[at..][..span::<N>(step, Self::LANES)];
        for k in 0..N {
            // SAFETY: the slice has all floats up to those of the last vector.
            unsafe { self.write(s.as_mut_ptr().add(k * step), v[k]) };
        }
    }

    /// Writes `LANES` floats of `s` from index `at`; panics where there are fewer.
    #[inline(always)]
    fn store(self, s: &mut [f32], at: usize, v: Self::V) {
        let s = &mut s[at..at + Self::LANES];
        // SAFETY: the slice has LANES elements.
        unsafe { self.write(s.as_mut_ptr(), v) }
    }
}

/// Floats from the first of `N` vectors, `step` apart, to the end of the last; more than any slice has where
/// there is no such number.
#[inline(always)]
fn span<const N: usize>(step: usize, lanes: usize) -> usize {
    step.saturating_mul(N - 1).saturating_add(lanes)
}

/// Something to compute with whatever instructions the machine has.
pub trait Kernel {
    /// The work; mark it `#[inline(always)]`.
    fn run<S: Simd>(self, s: S);
}

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// x86-64 with AVX-512F.
    Avx512,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// 64-bit ARM.
    Neon,
    /// What every machine of the target has.
    Plain,
}

impl Isa {
    /// All instruction sets, best first.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::Neon, Self::Plain];

    /// The name used in the environment variable `NST_ISA`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Plain => "scalar",
        }
    }

    /// Whether this machine has it.
    #[inline]
    pub fn available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f") && Self::Avx2.available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            Self::Plain => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// The set in use: the one that `NST_ISA` names where the machine has it, else the best.
    pub fn chosen() -> Self {
        static CHOSEN: OnceLock<Isa> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let asked = std::env::var("NST_ISA").unwrap_or_default();
            let mut candidates = Self::ALL.into_iter().filter(|isa| isa.available());
            let best = candidates.clone().next().unwrap_or(Self::Plain);
            candidates.find(|isa| isa.name() == asked).unwrap_or(best)
        })
    }

    /// Runs a kernel with this set.
    ///
    /// # Panics
    ///
    /// If the machine does not have it.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) {
        assert!(self.available(), "this machine has no {}", self.name());
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `available` found the instructions.
            Self::Avx512 => unsafe { x86::run_avx512(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `available` found the instructions.
            Self::Avx2 => unsafe { x86::run_avx2(kernel) },
            #[cfg(target_arch = "aarch64")]
            Self::Neon => kernel.run(neon::Neon::new()),
            _ => kernel.run(Plain),
        }
    }
}
