//! The 3x3 convolution by Winograd's F(4x4, 3x3): 36 products for 16 pixels where the plain way takes
//! 144 (Lavin and Gray 2016, with the points 0, 1, -1, 2, -2 and infinity).
//!
//! Maps are cut into tiles of 4x4 pixels. Filters are transformed anew each time: kept, they would take
//! four times their memory, and the time is a few hundredths of the products'.

mod choice;
mod finish;
mod launch;
mod products;
mod rows;
mod transforms;

pub use choice::{assume, pays};
pub use launch::{backward, forward};

use burn_cubecl::tensor::CubeTensor;

use super::super::engine::Size;

use products::DEPTH;

/// Channels on both sides together, and tiles, from which the transforms may pay.
const CHANNELS: usize = 384;
const TILES: usize = 9;

/// Whether a convolution of a map of this size, on the device of `like`, goes this way: where the products
/// take longer than the transforms' way through memory, the card can bind what lies in between, and
/// is faster so.
pub fn serves(like: &CubeTensor, [height, width]: Size, inputs: usize, outputs: usize) -> bool {
    let tiles = height.div_ceil(4) * width.div_ceil(4);
    let largest = 36 * 4 * inputs.max(outputs) * tiles.max(inputs.min(outputs));
    inputs.is_multiple_of(DEPTH)
        && outputs.is_multiple_of(4)
        && inputs + outputs >= CHANNELS
        && tiles >= TILES
        && largest as u64 <= like.client.properties().memory.max_page_size
        && pays(&like.device)
}
