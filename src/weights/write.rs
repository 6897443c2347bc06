//! The canonical file: safetensors with our names, written whole or not at all.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use serde_json::{Map, Value, json};

use super::{Fault, Weights, WeightsError};
use crate::files::replace_with;

/// The precision of a canonical file's tensors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// F32: every value to the last bit.
    #[default]
    Single,
    /// F16: half the size; kernels keep three decimal digits.
    Half,
}

impl Precision {
    const fn name(self) -> &'static str {
        match self {
            Self::Single => "F32",
            Self::Half => "F16",
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Single => 4,
            Self::Half => 2,
        }
    }
}

/// Writes weights as OIHW safetensors with our names. `metadata` joins `model` and
/// `preprocessing`.
///
/// The file appears under its name only when it is whole and on disk.
///
/// # Errors
///
/// I/O errors, and [`WeightsError::Faulty`] when a value is too large for F16.
pub fn write(
    weights: &Weights,
    precision: Precision,
    metadata: &BTreeMap<&str, String>,
    path: &Path,
) -> Result<(), WeightsError> {
    let tensors = tensors(weights);
    if precision == Precision::Half {
        check_half(&tensors, path)?;
    }
    let header = header(weights, precision, metadata, &tensors);
    let write = |file: &mut dyn Write| -> io::Result<()> {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        for tensor in &tensors {
            file.write_all(&encode(tensor.values, precision))?;
        }
        Ok(())
    };
    Ok(replace_with(path, write)?)
}

struct Tensor<'a> {
    name: String,
    shape: Vec<usize>,
    values: &'a [f32],
}

fn tensors(weights: &Weights) -> Vec<Tensor<'_>> {
    weights
        .convolutions
        .iter()
        .flat_map(|(layer, convolution)| {
            let (o, i) = (layer.outputs(), layer.inputs());
            [
                Tensor {
                    name: format!("{layer}.weight"),
                    shape: vec![o, i, 3, 3],
                    values: &convolution.weight,
                },
                Tensor {
                    name: format!("{layer}.bias"),
                    shape: vec![o],
                    values: &convolution.bias,
                },
            ]
        })
        .collect()
}

/// Every value must stay finite when rounded to F16.
fn check_half(tensors: &[Tensor<'_>], path: &Path) -> Result<(), WeightsError> {
    let faults: Vec<_> = tensors
        .iter()
        .filter_map(|tensor| {
            let too_large = |v: &&f32| !f16::from_f32(**v).is_finite();
            let count = tensor.values.iter().filter(too_large).count();
            (count > 0).then(|| Fault::TooLargeForHalf {
                name: tensor.name.clone(),
                count,
            })
        })
        .collect();
    if faults.is_empty() {
        return Ok(());
    }
    let file = path.display().to_string();
    Err(WeightsError::Faulty { file, faults })
}

/// The JSON header, padded with spaces to a multiple of eight bytes as the format asks.
fn header(
    weights: &Weights,
    precision: Precision,
    metadata: &BTreeMap<&str, String>,
    tensors: &[Tensor<'_>],
) -> Vec<u8> {
    let mut said: Map<String, Value> = metadata
        .iter()
        .map(|(&key, value)| (key.to_owned(), Value::from(value.as_str())))
        .collect();
    said.insert("model".to_owned(), weights.model.name().into());
    said.insert(
        "preprocessing".to_owned(),
        weights.preprocessing.name().into(),
    );
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), Value::Object(said));
    let mut start = 0;
    for tensor in tensors {
        let end = start + tensor.values.len() * precision.bytes();
        let offsets = [start, end];
        header.insert(
            tensor.name.clone(),
            json!({"dtype": precision.name(), "shape": tensor.shape, "data_offsets": offsets}),
        );
        start = end;
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    header
}

fn encode(values: &[f32], precision: Precision) -> Vec<u8> {
    match precision {
        Precision::Single => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Precision::Half => {
            let mut bits = vec![0_u16; values.len()];
            bits.reinterpret_cast_mut::<f16>()
                .convert_from_f32_slice(values);
            bits.iter().flat_map(|b| b.to_le_bytes()).collect()
        }
    }
}
