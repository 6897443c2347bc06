//! Writing files: what a path may be written over, whole files or none, and claims on them.
//!
//! Nothing here knows what is in a file.

mod atomic;
mod claim;
mod error;
mod place;

#[cfg(test)]
mod tests;

pub use atomic::{Pending, replace_with};
pub use claim::Claim;
pub use error::FileError;
pub use place::{check_not_input, check_place, not_a_file, same_place};
