//! Float buffers that start on a cache line and are used again instead of given back.
//!
//! A step of style transfer asks for the same large buffers every time. Fresh ones cost a page
//! fault for every 4 KiB; a list of spent ones saves that, within a limit.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Floats in a cache line.
const LINE: usize = 16;

/// Spent buffers are kept up to this many bytes together.
const KEPT_BYTES: usize = 64 << 20;

static SPENT: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// A buffer of floats whose first element starts a cache line.
#[derive(Debug)]
pub struct Buffer {
    /// Up to a line longer than what is used, since `Vec` aligns to 16 bytes only.
    floats: Vec<f32>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// A buffer of `len` floats with arbitrary content.
    pub fn new(len: usize) -> Self {
        let needed = len + LINE;
        let floats = take(needed).unwrap_or_else(|| vec![0.0; needed]);
        let start = floats
            .as_ptr()
            .align_offset(LINE * size_of::<f32>())
            .min(LINE);
        Self { floats, start, len }
    }

    /// Memory that is needed no longer: dropped, it serves the next buffer.
    pub fn from_spent(floats: Vec<f32>) -> Self {
        Self {
            floats,
            start: 0,
            len: 0,
        }
    }

    /// The memory, and where in it the first element lies.
    pub fn into_parts(mut self) -> (Vec<f32>, usize) {
        (std::mem::take(&mut self.floats), self.start)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let floats = std::mem::take(&mut self.floats);
        if floats.is_empty() {
            return;
        }
        let mut spent = SPENT.lock().unwrap_or_else(PoisonError::into_inner);
        spent.push(floats);
        let mut kept: usize = spent.iter().map(bytes).sum();
        while kept > KEPT_BYTES {
            kept -= bytes(&spent.remove(0));
        }
    }
}

/// The smallest spent buffer that is long enough and not wastefully so; the last one spent of
/// equals, since it may still be in the cache.
fn take(needed: usize) -> Option<Vec<f32>> {
    let mut spent = SPENT.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = |len: usize| len >= needed && len <= needed + needed / 4 + 1024;
    let (at, _) = spent
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, v)| fits(v.len()))
        .min_by_key(|(_, v)| v.len())?;
    Some(spent.remove(at))
}

#[allow(clippy::ptr_arg)]
fn bytes(v: &Vec<f32>) -> usize {
    v.capacity() * size_of::<f32>()
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.floats[self.start..self.start + self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.floats[self.start..self.start + self.len]
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.len);
        copy.copy_from_slice(self);
        copy
    }
}
