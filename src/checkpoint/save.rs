use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::{CheckpointError, MARK, Passport, VERSION, is_there, state};
use crate::device::DeviceError;
use crate::digest::Sha256;
use crate::files::replace_with;
use crate::optimize::State;

/// Writes a checkpoint, replacing the one that was there only when the new one is whole and on
/// disk. One tensor at a time is held in memory once more: those of a print are gigabytes.
///
/// # Errors
///
/// [`CheckpointError::NotOurs`] if something else than a checkpoint is there,
/// [`CheckpointError::NotWritten`], or the device fails.
pub fn save(path: &Path, state: &State, passport: &Passport) -> Result<(), CheckpointError> {
    is_there(path)?;
    let parts = state::take_apart(state);
    let bits = |(name, value): (&String, &f64)| (name.clone(), value.to_bits());
    let numbers: BTreeMap<_, _> = parts.numbers.iter().map(bits).collect();
    let (numbers, passport) = (serde_json::json!(numbers).to_string(), passport.to_json());
    let mut hasher = digest(&numbers, &passport);
    for (name, tensor) in &parts.tensors {
        hasher.add(name.as_bytes());
        hasher.add(data(tensor)?.as_bytes());
    }
    let metadata = HashMap::from([
        (MARK.to_owned(), VERSION.to_owned()),
        ("numbers".to_owned(), numbers),
        ("passport".to_owned(), passport),
        ("digest".to_owned(), hasher.finish()),
    ]);
    let header =
        header(&parts.tensors, metadata).map_err(|reason| CheckpointError::NotWritten {
            path: path.to_owned(),
            reason,
        })?;
    let write = |file: &mut dyn Write| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        for tensor in parts.tensors.values() {
            let data = data(tensor).map_err(io::Error::other)?;
            file.write_all(data.as_bytes())?;
        }
        Ok(())
    };
    Ok(replace_with(path, write)?)
}

fn data(tensor: &Tensor<4>) -> Result<TensorData, DeviceError> {
    tensor.try_to_data().map_err(DeviceError::compute)
}

/// The header of a safetensors file that holds these tensors one after another.
fn header(
    tensors: &BTreeMap<String, Tensor<4>>,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, String> {
    let mut end = 0;
    let infos = tensors.iter().map(|(name, tensor)| {
        let shape: Vec<usize> = tensor.dims().into();
        let start = end;
        end += size_of::<f32>() * shape.iter().product::<usize>();
        let info = TensorInfo {
            dtype: Dtype::F32,
            shape,
            data_offsets: (start, end),
        };
        (name.clone(), info)
    });
    let header = Metadata::new(Some(metadata), infos.collect()).map_err(|e| e.to_string())?;
    let mut header = serde_json::to_vec(&header).map_err(|e| e.to_string())?;
    // The format allows spaces at the end, so that the numbers begin at a multiple of their size.
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}

/// The beginning of the digest of everything in a checkpoint: names and bytes of the tensors are to
/// be added, in the order of the names.
pub(super) fn digest(numbers: &str, passport: &str) -> Sha256 {
    let mut hasher = Sha256::default();
    hasher.add(numbers.as_bytes());
    hasher.add(passport.as_bytes());
    hasher
}
