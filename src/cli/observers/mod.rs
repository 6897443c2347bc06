//! Those who watch a transfer.

mod frames;
mod interrupt;
mod keeper;
mod progress;

pub use frames::Frames;
pub use interrupt::Interrupt;
pub use keeper::Keeper;
pub use progress::{DoneLine, Progress};
