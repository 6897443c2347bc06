//! PyTorch's `.pth` files: the zip format of 1.6 and later, and the older ones.
//!
//! The pickle inside is parsed as data; nothing in it is ever run.

use std::collections::BTreeMap;
use std::path::Path;

use pytorch_reader::{DType, PickleValue, PytorchReader, Tensor};

use super::{Container, Dtype, Entry, safetensors::decode};

/// A VGG's largest kernel takes 9.4 MB as F32.
const MAX_TENSOR: usize = 16 << 20;

/// The tensors of a PyTorch checkpoint.
pub(in super::super) struct Pytorch {
    tensors: BTreeMap<String, Tensor>,
    entries: BTreeMap<String, Entry>,
}

impl Pytorch {
    /// Parses the pickle of a file. The error is a sentence without the file's name.
    pub fn open(path: &Path) -> Result<Self, String> {
        let describe = |e| format!("its PyTorch structure is wrong or truncated: {e}");
        if let Some(name) = foreign(&PytorchReader::read_pickle_data(path, None).map_err(describe)?)
        {
            return Err(format!(
                "its pickle asks for `{name}`, which no weights need; it was not run and the \
                 file is not used"
            ));
        }
        let reader = PytorchReader::new(path).map_err(describe)?;
        let tensors: BTreeMap<_, _> = reader.into_tensors().into_iter().collect();
        let entries = tensors
            .iter()
            .map(|(name, tensor)| (name.clone(), entry(tensor)))
            .collect();
        Ok(Self { tensors, entries })
    }
}

/// The first Python object in the pickle that is no tensor, storage or plain value.
fn foreign(value: &PickleValue) -> Option<&str> {
    match value {
        PickleValue::Unsupported(name) => {
            let known = ["torch.", "collections.", "numpy."];
            let is_known = known.iter().any(|module| name.starts_with(module));
            (!is_known).then_some(name)
        }
        PickleValue::List(values) => values.iter().find_map(foreign),
        PickleValue::Dict(values) => values.values().find_map(foreign),
        _ => None,
    }
}

fn entry(tensor: &Tensor) -> Entry {
    Entry {
        dtype: match tensor.dtype() {
            DType::F32 => Dtype::F32,
            DType::F16 => Dtype::F16,
            DType::BF16 => Dtype::Bf16,
            DType::I8 => Dtype::I8,
            other => Dtype::Other(format!("{other:?}")),
        },
        shape: tensor.shape().to_vec(),
    }
}

impl Container for Pytorch {
    fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    fn metadata(&self, _: &str) -> Option<&str> {
        None
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, String> {
        let (Some(tensor), Some(entry)) = (self.tensors.get(name), self.entries.get(name)) else {
            return Err("is missing".to_owned());
        };
        if tensor.byte_len() > MAX_TENSOR {
            return Err("is too large".to_owned());
        }
        let bytes = tensor.read().map_err(|e| format!("cannot be read: {e}"))?;
        // The reader gives native-endian bytes, and reads only little-endian files.
        decode(&entry.dtype, &bytes)
    }
}
