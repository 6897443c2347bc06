//! Where the time goes: one counter for each kind of work, summed over all threads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Winograd input transforms, with unpooling and masks.
    TransformIn,
    /// Winograd output transforms, with bias, `ReLU` and pools.
    TransformOut,
    /// Winograd transforms of filters.
    WinogradFilters,
    /// Winograd products.
    Products,
    /// The first layer, forward and backward.
    FirstLayer,
    /// Gram matrices, forward and backward.
    Gram,
    /// Changes of layout, and pools outside a convolution.
    Layout,
    /// Sums for the losses.
    Sums,
    /// The optimiser's step.
    Update,
}

impl Phase {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::TransformIn,
        Self::TransformOut,
        Self::WinogradFilters,
        Self::Products,
        Self::FirstLayer,
        Self::Gram,
        Self::Layout,
        Self::Sums,
        Self::Update,
    ];

    /// What it is called in a profile.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TransformIn => "transforms in",
            Self::TransformOut => "transforms out",
            Self::WinogradFilters => "filters",
            Self::Products => "products",
            Self::FirstLayer => "first layer",
            Self::Gram => "Gram",
            Self::Layout => "layout",
            Self::Sums => "sums",
            Self::Update => "update",
        }
    }
}

static NANOSECONDS: [AtomicU64; Phase::ALL.len()] = [const { AtomicU64::new(0) }; Phase::ALL.len()];
static OPERATIONS: [AtomicU64; Phase::ALL.len()] = [const { AtomicU64::new(0) }; Phase::ALL.len()];

/// Runs `work` and counts its time to `phase`.
#[inline]
pub fn timed<T>(phase: Phase, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    NANOSECONDS[phase as usize].fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
    result
}

/// Counts floating-point operations to `phase`: a multiplication and an addition are two.
#[inline]
pub fn count(phase: Phase, operations: usize) {
    OPERATIONS[phase as usize].fetch_add(operations as u64, Relaxed);
}

/// Thread time and operations of each phase since the last call, in the order of [`Phase::ALL`].
pub fn take() -> [(Phase, Duration, u64); Phase::ALL.len()] {
    Phase::ALL.map(|p| {
        let time = Duration::from_nanos(NANOSECONDS[p as usize].swap(0, Relaxed));
        (p, time, OPERATIONS[p as usize].swap(0, Relaxed))
    })
}
