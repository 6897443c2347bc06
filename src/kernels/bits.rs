//! One bit for each activation: whether the gradient passes.

/// Bits of a channels-last map whose channels are a multiple of 16.
///
/// A bit is set where the activation is positive and, before a max pool, is the first maximum of
/// its 2x2 window. Nothing else of a layer is needed for the gradient with respect to its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    /// 16 channels in a word, `channels / 16` words in a pixel.
    pub words: Vec<u16>,
}

impl Bits {
    /// All clear.
    pub fn new(pixels: usize, channels: usize) -> Self {
        Self {
            words: vec![0; pixels * channels / 16],
        }
    }

    /// The bit of element `index` of the map.
    #[cfg(test)]
    pub fn get(&self, index: usize) -> bool {
        self.words[index / 16] >> (index % 16) & 1 == 1
    }
}

/// Bits of the vector that starts at element `index`, in the low bits.
#[inline(always)]
pub fn read(words: &[u16], index: usize) -> u32 {
    u32::from(words[index / 16] >> (index % 16))
}

/// Sets bits of the vector that starts at element `index`.
#[inline(always)]
pub fn set(words: &mut [u16], index: usize, bits: u32) {
    words[index / 16] |= (bits as u16) << (index % 16);
}
