//! The safetensors format: a length, a JSON header, the tensors' bytes.
//!
//! Only the header and the tensors asked for are read, so a file with a classifier of half a
//! gigabyte costs no more than one without.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use half::{bf16, f16};
use safetensors::tensor::Metadata;

use super::{Container, Dtype, Entry};

/// Far above any real header (a VGG19's is 4 kB), far below what would hurt.
const MAX_HEADER: u64 = 4 << 20;

/// A safetensors file on disk or in memory.
pub(in super::super) struct Safetensors<'a> {
    bytes: Bytes<'a>,
    data_start: u64,
    metadata: Metadata,
    entries: BTreeMap<String, Entry>,
}

enum Bytes<'a> {
    Memory(&'a [u8]),
    File(Mutex<File>),
}

impl Bytes<'_> {
    /// `len` bytes from `start`; the caller has checked that they exist.
    fn read(&self, start: u64, len: usize) -> Result<Vec<u8>, String> {
        match self {
            Self::Memory(bytes) => usize::try_from(start)
                .ok()
                .and_then(|start| bytes.get(start..start.checked_add(len)?))
                .map(<[u8]>::to_vec)
                .ok_or_else(|| "ends too early".to_owned()),
            Self::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let mut bytes = vec![0; len];
                file.seek(SeekFrom::Start(start))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(|e| format!("cannot be read: {e}"))?;
                Ok(bytes)
            }
        }
    }
}

impl<'a> Safetensors<'a> {
    /// Reads the header of a file on disk. The error is a sentence without the file's name.
    pub fn from_file(file: File) -> Result<Self, String> {
        let len = file
            .metadata()
            .map_err(|e| format!("cannot be read: {e}"))?
            .len();
        Self::new(Bytes::File(Mutex::new(file)), len)
    }

    /// Reads the header of a file in memory.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, String> {
        Self::new(Bytes::Memory(bytes), bytes.len() as u64)
    }

    fn new(bytes: Bytes<'a>, file_len: u64) -> Result<Self, String> {
        if file_len < 8 {
            return Err(format!("no safetensors file: {file_len} bytes are too few"));
        }
        let mut length = [0; 8];
        length.copy_from_slice(&bytes.read(0, 8)?);
        let header_len = u64::from_le_bytes(length);
        if header_len > MAX_HEADER {
            return Err(format!(
                "no safetensors file, or a damaged one: its header claims {header_len} bytes \
                 (at most {MAX_HEADER} are read)"
            ));
        }
        let data_start = 8 + header_len;
        if data_start > file_len {
            return Err(format!(
                "truncated: its header takes {header_len} bytes, the file has {file_len}"
            ));
        }
        let header = bytes.read(8, header_len as usize)?;
        let metadata: Metadata = serde_json::from_slice(&header)
            .map_err(|e| format!("its safetensors header is wrong: {e}"))?;
        check_length(file_len, data_start, metadata.data_len() as u64)?;
        let entries = metadata
            .tensors()
            .into_iter()
            .map(|(name, info)| (name, entry(info)))
            .collect();
        Ok(Self {
            bytes,
            data_start,
            metadata,
            entries,
        })
    }
}

/// The tensors must end where the file ends.
fn check_length(file_len: u64, data_start: u64, data_len: u64) -> Result<(), String> {
    let expected = data_start
        .checked_add(data_len)
        .ok_or("its safetensors header is wrong: the offsets overflow")?;
    match file_len.cmp(&expected) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(format!(
            "truncated: {file_len} bytes of {expected}; copy or download it again"
        )),
        std::cmp::Ordering::Greater => Err(format!(
            "{} bytes follow the last tensor",
            file_len - expected
        )),
    }
}

fn entry(info: &safetensors::tensor::TensorInfo) -> Entry {
    use safetensors::Dtype as D;
    Entry {
        dtype: match info.dtype {
            D::F32 => Dtype::F32,
            D::F16 => Dtype::F16,
            D::BF16 => Dtype::Bf16,
            D::I8 => Dtype::I8,
            other => Dtype::Other(other.to_string()),
        },
        shape: info.shape.clone(),
    }
}

impl Container for Safetensors<'_> {
    fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    fn metadata(&self, key: &str) -> Option<&str> {
        Some(self.metadata.metadata().as_ref()?.get(key)?.as_str())
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, String> {
        let (Some(info), Some(entry)) = (self.metadata.info(name), self.entries.get(name)) else {
            return Err("is missing".to_owned());
        };
        let (start, end) = info.data_offsets;
        let bytes = self
            .bytes
            .read(self.data_start + start as u64, end - start)?;
        decode(&entry.dtype, &bytes)
    }
}

/// Little-endian elements as `f32`.
pub(super) fn decode(dtype: &Dtype, bytes: &[u8]) -> Result<Vec<f32>, String> {
    Ok(match dtype {
        Dtype::F32 => {
            let (values, _) = bytes.as_chunks::<4>();
            values.iter().map(|&b| f32::from_le_bytes(b)).collect()
        }
        Dtype::F16 => from_half(bytes, |bits, out| {
            bits.reinterpret_cast::<f16>().convert_to_f32_slice(out);
        }),
        Dtype::Bf16 => from_half(bytes, |bits, out| {
            bits.reinterpret_cast::<bf16>().convert_to_f32_slice(out);
        }),
        Dtype::I8 => bytes.iter().map(|&b| f32::from(b.cast_signed())).collect(),
        Dtype::Other(name) => return Err(format!("has type {name}, which is not read")),
    })
}

fn from_half(bytes: &[u8], convert: impl Fn(&[u16], &mut [f32])) -> Vec<f32> {
    let (pairs, _) = bytes.as_chunks::<2>();
    let bits: Vec<u16> = pairs.iter().map(|&b| u16::from_le_bytes(b)).collect();
    let mut values = vec![0.0; bits.len()];
    convert(&bits, &mut values);
    values
}
