//! What can be wrong with weights.

use std::io;
use std::path::PathBuf;

use crate::arch::{Layer, Model};

use super::FetchFault;
use crate::files::FileError;
use crate::named::UnknownName;

/// Why weights cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The operating system refused.
    #[error("{}: cannot {action}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: `open`, `read`, `write` and so on.
        action: &'static str,
        /// The operating system's reason.
        source: io::Error,
    },
    /// It could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is damaged, or of another kind.
    #[error("{file}: {fault}")]
    Unreadable {
        /// The file.
        file: String,
        /// What is wrong with it.
        fault: String,
    },
    /// The file holds the other network.
    #[error("{file}: this is {found}, not {asked}; use --model {found} or give another file")]
    WrongModel {
        /// The file.
        file: String,
        /// The network in it.
        found: Model,
        /// The network asked for.
        asked: Model,
    },
    /// Tensors are missing or wrong.
    #[error("{file}: {}", list(faults))]
    Faulty {
        /// The file.
        file: String,
        /// Everything that is wrong, in the order of the network.
        faults: Vec<Fault>,
    },
    /// The network has no such layer.
    #[error("{model} has no layer {layer}")]
    NoSuchLayer {
        /// The network.
        model: Model,
        /// The layer asked for.
        layer: Layer,
    },
    /// No place holds weights.
    #[error(
        "no weights for {model}: {why}; looked in {}. Download {url} and run `nst weights import \
         FILE`",
        places.join(", ")
    )]
    NotFound {
        /// The network asked for.
        model: Model,
        /// Why nothing else served.
        why: String,
        /// Where they were looked for, for people.
        places: Vec<String>,
        /// Where they come from.
        url: &'static str,
    },
    /// A download failed.
    #[error("{url}: {fault}")]
    Fetch {
        /// Where from.
        url: String,
        /// What went wrong.
        fault: FetchFault,
    },
    /// The network must not be used.
    #[error("offline, by --offline or NST_OFFLINE: nothing can be fetched")]
    Offline,
    /// The user has no cache folder.
    #[error("this system names no cache folder for the user; set HOME, or give a file")]
    NoCache,
}

impl WeightsError {
    /// An I/O error, with what was tried on which file.
    pub(crate) fn io(path: impl Into<PathBuf>, action: &'static str, source: io::Error) -> Self {
        let path = path.into();
        Self::Io {
            path,
            action,
            source,
        }
    }
}

/// One thing wrong with a file's tensors or metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A tensor is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// A tensor has the wrong shape.
    #[error("{name} has shape {found:?}, not {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// The shape the network needs.
        expected: Vec<usize>,
    },
    /// A tensor has a type that cannot serve.
    #[error("{name} is {found}, not {expected}")]
    Dtype {
        /// The tensor.
        name: String,
        /// Its type in the file.
        found: String,
        /// The types that can serve.
        expected: &'static str,
    },
    /// A tensor holds infinities or NaN.
    #[error("{name} holds {count} values that are infinite or not a number")]
    NotFinite {
        /// The tensor.
        name: String,
        /// How many.
        count: usize,
    },
    /// A tensor's values do not fit F16.
    #[error("{name} holds {count} values too large for F16; import without --half")]
    TooLargeForHalf {
        /// The tensor.
        name: String,
        /// How many.
        count: usize,
    },
    /// The file does not say how it wants its input.
    #[error("the metadata has no `preprocessing` (caffe or torchvision)")]
    NoPreprocessing,
    /// The file names a network or a preprocessing that does not exist.
    #[error("metadata: {0}")]
    Unknown(#[from] UnknownName),
}

/// One fault on the same line; several below each other.
fn list(faults: &[Fault]) -> String {
    match faults {
        [one] => one.to_string(),
        many => {
            let mut text = format!("{} things are missing or wrong:", many.len());
            for fault in many {
                text.push_str("\n  ");
                text.push_str(&fault.to_string());
            }
            text
        }
    }
}
