//! The network's weights: where they live, which file formats they come in, and every check
//! before they are used.
//!
//! [`find`] looks in the usual places, fetches what is nowhere, and ends with the built-in
//! network; [`load`] reads one file of any format. Both give [`Weights`]: plain `f32` values,
//! OIHW, in RGB input order, whatever the file held. [`fetch`] and [`import`] put canonical
//! files into the cache folder; [`list`] and [`check`] look at what is there.

mod assemble;
mod builtin;
mod container;
mod digest;
mod error;
mod fetch;
mod find;
mod import;
mod inspect;
mod naming;
mod report;
mod source;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::arch::{Layer, Model};
use crate::named::named;

pub use builtin::{built_in, built_in_sha256};
pub use digest::sha256;
pub use error::{Fault, WeightsError};
pub use fetch::{FetchFault, FetchFrom, Internet, fetch};
pub use find::{Choice, Places, file_name, find};
pub use import::{Import, Imported, import};
pub use inspect::{Checked, Listed, TensorReport, check, list, models};
pub use report::{Notice, Report, Unreported};
pub use source::{Digest, Publisher, SOURCES, Source};
pub use write::{Precision, write};

/// How a picture's RGB values in `[0, 1]` become the network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preprocessing {
    /// `255 * rgb - (123.68, 116.779, 103.939)`: the original Oxford networks, and Keras.
    Caffe,
    /// `(rgb - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)`: torchvision and timm.
    Torchvision,
}

named!(Preprocessing, "preprocessing": Caffe = "caffe", Torchvision = "torchvision");

/// One convolution's parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// Kernels, `[outputs, inputs, 3, 3]` row-major; the first layer's inputs are R, G, B.
    pub weight: Vec<f32>,
    /// One value per output channel.
    pub bias: Vec<f32>,
}

/// A network's checked weights: every value is finite and every length fits its layer.
#[derive(Clone, Debug)]
pub struct Weights {
    /// Which network they belong to.
    pub model: Model,
    /// What the network expects of its input.
    pub preprocessing: Preprocessing,
    /// The convolutions, from the picture to the deepest one that was read.
    pub convolutions: BTreeMap<Layer, Convolution>,
    /// Where they come from.
    pub origin: Origin,
}

/// Where weights come from, for people: [`fmt::Display`] gives one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file, or the binary itself.
    pub place: Place,
    /// What the file says of its own source, such as a URL.
    pub source: Option<String>,
    /// What the file says of its licence.
    pub licence: Option<String>,
}

/// Where weights were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Carried in the binary.
    BuiltIn,
    /// A file.
    File(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("the built-in network"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)?;
        match &self.source {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

/// Reads and checks a network's weights from the picture down to the layer `deepest`.
///
/// Layers below `deepest` may be absent, and tensors that are no convolution of the network
/// are ignored.
///
/// # Errors
///
/// One [`WeightsError`] that names the file and everything that is missing or wrong in it.
pub fn load(path: &Path, model: Model, deepest: Layer) -> Result<Weights, WeightsError> {
    let container = container::open(path)?;
    assemble::assemble(
        container.as_ref(),
        Place::File(path.to_owned()),
        model,
        deepest,
    )
}
