//! Files of named tensors, whatever their format.

mod hdf5;
mod pytorch;
mod safetensors;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use super::error::WeightsError;

pub(super) use safetensors::Safetensors;

/// Element types that matter to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dtype {
    F32,
    F16,
    Bf16,
    I8,
    /// Any other, by the name its file gives it.
    Other(String),
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::I8 => "I8",
            Self::Other(name) => name,
        })
    }
}

/// A tensor as its file describes it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
}

/// A file of named tensors, its description read and its values not yet.
pub(super) trait Container: Sync {
    /// The tensors by name.
    fn entries(&self) -> &BTreeMap<String, Entry>;

    /// A value of the file's own metadata.
    fn metadata(&self, key: &str) -> Option<&str>;

    /// A tensor's values in row-major order; integers unscaled.
    ///
    /// Asked only for tensors of [`Container::entries`] whose dtype is not
    /// [`Dtype::Other`]. The error is a sentence about the tensor, without the file's name.
    fn read(&self, name: &str) -> Result<Vec<f32>, String>;
}

/// Opens a file of tensors of any format, told by its first bytes.
pub(super) fn open(path: &Path) -> Result<Box<dyn Container>, WeightsError> {
    let mut file = File::open(path).map_err(|e| WeightsError::io(path, "open", e))?;
    let mut start = Vec::new();
    (&mut file)
        .take(START)
        .read_to_end(&mut start)
        .and_then(|_| file.rewind())
        .map_err(|e| WeightsError::io(path, "read", e))?;
    let container: Result<Box<dyn Container>, String> = match Format::of(&start, path) {
        Format::Safetensors => Safetensors::from_file(file).map(|c| Box::new(c) as _),
        Format::Hdf5 => hdf5::Hdf5::from_file(file).map(|c| Box::new(c) as _),
        Format::Pytorch => pytorch::Pytorch::open(path).map(|c| Box::new(c) as _),
        Format::Unusable(why) => Err(why.to_owned()),
    };
    container.map_err(|fault| WeightsError::Unreadable {
        file: path.display().to_string(),
        fault,
    })
}

/// How many first bytes tell the format: the mark of a tar archive ends at 262.
const START: u64 = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Safetensors,
    Hdf5,
    Pytorch,
    Unusable(&'static str),
}

impl Format {
    /// The format by its marks; without any, the name's extension says what the file was
    /// meant to be.
    fn of(start: &[u8], path: &Path) -> Self {
        let text = start.trim_ascii_start();
        if start.is_empty() {
            Self::Unusable("the file is empty")
        } else if text.starts_with(b"<") {
            Self::Unusable(
                "this is a web page, not weights: the download went wrong, fetch it again",
            )
        } else if start.starts_with(b"\x89HDF\r\n\x1a\n") {
            Self::Hdf5
        } else if start.get(8) == Some(&b'{') {
            Self::Safetensors
        } else if start.starts_with(b"PK")
            || start.starts_with(&[0x80])
            || start.get(257..262) == Some(b"ustar")
        {
            Self::Pytorch
        } else if path.extension().is_some_and(|e| e == "safetensors") {
            Self::Safetensors
        } else {
            Self::Unusable("neither safetensors, nor Keras' HDF5, nor a PyTorch file")
        }
    }
}
