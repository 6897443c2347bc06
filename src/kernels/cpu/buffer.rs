//! Float buffers that start on a cache line and are used again instead of given back.
//!
//! A step of style transfer asks for the same large buffers every time. Fresh memory costs a page
//! fault for every 4 KiB and is zeroed by the system; spent buffers are therefore kept, as long as
//! kept and used ones together are little more than what was once in use at the same time. Large
//! buffers are mapped by themselves and ask for huge pages.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use memmap2::MmapMut;

/// Floats in a cache line.
const LINE: usize = 16;
/// Buffers from this many bytes on are mapped.
const MAPPED_BYTES: usize = 1 << 20;
/// Mapped buffers from this many bytes on ask for huge pages.
const HUGE_BYTES: usize = 4 << 20;
/// What may be kept beyond the most that was in use at once, as its 1/SLACK: room for buffers of
/// sizes that are not needed at the moment.
const SLACK: usize = 8;
/// What spent memory may be larger than what is asked for, as its 1/SPARE: in a map of twice the size half would
/// lie idle for as long as the map lives.
const SPARE: usize = 3;
/// Bytes in a huge page.
const HUGE_PAGE: usize = 2 << 20;

static POOL: Mutex<Pool> = Mutex::new(Pool {
    spent: Vec::new(),
    kept: 0,
    used: 0,
    most: 0,
});

/// Memory for floats.
#[derive(Debug)]
enum Memory {
    /// From the allocator, up to a line longer than asked for, since `Vec` aligns to 4 bytes only.
    Heap(Vec<f32>),
    Mapped(MmapMut),
}

impl Memory {
    fn new(floats: usize) -> Self {
        let bytes = floats * size_of::<f32>();
        if bytes < MAPPED_BYTES {
            return Self::Heap(vec![0.0; floats + LINE]);
        }
        let huge = bytes >= HUGE_BYTES;
        let bytes = bytes.next_multiple_of(if huge { HUGE_PAGE } else { 4096 });
        let map = MmapMut::map_anon(bytes);
        let Ok(map) = map else {
            // The allocator says the same in the way every Rust program does.
            return Self::Heap(vec![0.0; floats + LINE]);
        };
        #[cfg(target_os = "linux")]
        if huge {
            // A hint: without it the pages are only smaller.
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        Self::Mapped(map)
    }

    #[inline]
    fn floats(&self) -> &[f32] {
        match self {
            Self::Heap(floats) => floats,
            Self::Mapped(map) => bytemuck::cast_slice(map),
        }
    }

    #[inline]
    fn floats_mut(&mut self) -> &mut [f32] {
        match self {
            Self::Heap(floats) => floats,
            Self::Mapped(map) => bytemuck::cast_slice_mut(map),
        }
    }

    /// Floats that a buffer can have here.
    fn room(&self) -> usize {
        match self {
            Self::Heap(floats) => floats.len().saturating_sub(LINE),
            Self::Mapped(map) => map.len() / size_of::<f32>(),
        }
    }
}

/// Spent memory and what is known of the used; sizes in floats.
struct Pool {
    /// Spent memory, in the order in which it was spent.
    spent: Vec<Memory>,
    kept: usize,
    used: usize,
    most: usize,
}

impl Pool {
    /// The smallest spent memory that is large enough and not wastefully so; the last one spent of
    /// equals, since it may still be in the cache.
    fn take(&mut self, floats: usize) -> Option<Memory> {
        let fits = |room: usize| room >= floats && room <= floats + floats / SPARE + 1024;
        let (at, _) = self
            .spent
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, memory)| fits(memory.room()))
            .min_by_key(|(_, memory)| memory.room())?;
        let memory = self.spent.remove(at);
        self.kept -= memory.room();
        self.count(memory.room());
        Some(memory)
    }

    fn count(&mut self, room: usize) {
        self.used += room;
        self.most = self.most.max(self.used);
    }

    /// Takes spent memory off the list, longest unused first, until the rest and `more` floats are
    /// within the limit.
    fn excess(&mut self, more: usize) -> Vec<Memory> {
        let mut excess = Vec::new();
        let limit = self.most + self.most / SLACK;
        while self.kept + self.used + more > limit && !self.spent.is_empty() {
            let memory = self.spent.remove(0);
            self.kept -= memory.room();
            excess.push(memory);
        }
        excess
    }
}

fn pool<T>(work: impl FnOnce(&mut Pool) -> T) -> T {
    work(&mut POOL.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A buffer of floats whose first element starts a cache line.
#[derive(Debug)]
pub struct Buffer {
    memory: Memory,
    start: usize,
    len: usize,
}

impl Buffer {
    /// A buffer of `len` floats with arbitrary content.
    pub fn new(len: usize) -> Self {
        let memory = pool(|pool| pool.take(len)).unwrap_or_else(|| {
            // Given back before more is asked for, and outside the lock.
            drop(pool(|pool| pool.excess(len)));
            let memory = Memory::new(len);
            pool(|pool| pool.count(memory.room()));
            memory
        });
        let start = memory
            .floats()
            .as_ptr()
            .align_offset(LINE * size_of::<f32>())
            .min(LINE);
        Self { memory, start, len }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let memory = std::mem::replace(&mut self.memory, Memory::Heap(Vec::new()));
        drop(pool(|pool| {
            pool.used -= memory.room();
            pool.kept += memory.room();
            pool.spent.push(memory);
            pool.excess(0)
        }));
    }
}

impl Deref for Buffer {
    type Target = [f32];
    #[inline]
    fn deref(&self) -> &[f32] {
        &self.memory.floats()[self.start..self.start + self.len]
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        let range = self.start..self.start + self.len;
        &mut self.memory.floats_mut()[range]
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.len);
        copy.copy_from_slice(self);
        copy
    }
}
