//! One bit for each activation: whether the gradient passes.

use std::ops::{Deref, DerefMut};

use super::buffer::Buffer;
use super::simd::Simd;

/// Bits of a channels-last map whose channels are a multiple of 16.
///
/// A bit is set where the activation is positive and, before a max pool, is the first maximum of
/// its 2x2 window. Nothing else of a layer is needed for the gradient with respect to its input.
/// 16 channels are a word, `channels / 16` words a pixel.
#[derive(Clone, Debug)]
pub struct Bits {
    /// The words, two in a float, so that they come from the same memory as maps.
    memory: Buffer,
    words: usize,
}

impl Bits {
    /// All clear.
    pub fn new(pixels: usize, channels: usize) -> Self {
        let words = pixels * channels / 16;
        let mut memory = Buffer::new(words.div_ceil(2));
        memory.fill(0.0);
        Self { memory, words }
    }

    /// The bit of element `index` of the map.
    #[cfg(test)]
    pub fn get(&self, index: usize) -> bool {
        self[index / 16] >> (index % 16) & 1 == 1
    }
}

impl Deref for Bits {
    type Target = [u16];
    fn deref(&self) -> &[u16] {
        &bytemuck::cast_slice(&self.memory)[..self.words]
    }
}

impl DerefMut for Bits {
    fn deref_mut(&mut self) -> &mut [u16] {
        &mut bytemuck::cast_slice_mut(&mut self.memory)[..self.words]
    }
}

/// Bits of the vector that starts at element `index`, in the low bits.
#[inline(always)]
pub fn read(words: &[u16], index: usize) -> u32 {
    u32::from(words[index / 16] >> (index % 16))
}

/// Sets bits of the vector that starts at element `index`, which must be clear.
#[inline(always)]
pub fn set<S: Simd>(words: &mut [u16], index: usize, bits: u32) {
    if S::LANES == 16 {
        words[index / 16] = bits as u16;
    } else if S::LANES == 8 && cfg!(target_endian = "little") {
        // Half a word: nothing need be read for it.
        bytemuck::cast_slice_mut::<u16, u8>(words)[index / 8] = bits as u8;
    } else {
        words[index / 16] |= (bits as u16) << (index % 16);
    }
}
