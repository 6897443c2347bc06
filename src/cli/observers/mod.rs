//! Those who watch a transfer. None knows of another.

mod bar;
mod frames;
mod json;
mod keeper;
mod watchers;

pub use bar::Bar;
pub use frames::Frames;
pub use json::{EndLine, JsonSteps};
pub use keeper::Keeper;
pub use watchers::Watchers;

pub use crate::cli::interrupt::Interrupt;
