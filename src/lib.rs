//! Neural style transfer after Gatys, Ecker and Bethge (2016).
//!
//! The pixels of one picture are optimised until its VGG features match a content photo and its
//! feature correlations match a style picture.
//!
//! ```no_run
//! use nst::{Inputs, Job, Silent, device, picture, stylize, vgg::Vgg, weights};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let job = Job { steps: 200, ..Job::default() };
//! let content = picture::decode("photo.jpg".as_ref(), &picture::Limits::default())?;
//! let style = picture::decode("painting.jpg".as_ref(), &picture::Limits::default())?;
//! let weights = weights::load("vgg19.safetensors".as_ref(), job.model, job.deepest()?)?;
//! let vgg = Vgg::new(weights, &device::cpu());
//! let result = stylize(&job, &Inputs::new(content, style), &vgg, &mut Silent)?;
//! picture::encode(&result.picture, "out.png".as_ref(), &picture::EncodeOptions::default())?;
//! # Ok(())
//! # }
//! ```
#![deny(clippy::print_stderr, clippy::print_stdout)]

mod arch;
pub mod checkpoint;
pub mod device;
mod digest;
mod error;
pub mod files;
pub mod job;
pub mod kernels;
pub mod loss;
mod memo;
mod named;
pub mod optimize;
pub mod picture;
mod setting;
mod stylize;
pub mod tiles;
pub mod vgg;
pub mod weights;

pub use error::Error;
pub use job::{Init, Inputs, Job, JobError, Painting, Plan, memory};
pub use memo::Memo;
pub use named::{Named, UnknownName};
pub use optimize::Step;
pub use picture::Picture;
pub use setting::SettingError;
pub use stylize::{
    Draw, End, Observer, ObserverError, Painted, Silent, resume, stylize, to_picture, to_tensor,
};
