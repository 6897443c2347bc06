//! Those who watch a transfer. None knows of another.

mod audience;
mod bar;
mod both;
mod frames;
mod json;
mod keeper;
mod rescue;
mod watchers;

pub use audience::{Audience, Ending, Nobody, Scene};
pub use bar::Bar;
pub use both::Both;
pub use frames::Frames;
pub use json::{EndLine, JsonSteps};
pub use keeper::Keeper;
pub use rescue::Rescue;
pub use watchers::Watchers;

pub use crate::cli::interrupt::Interrupt;
