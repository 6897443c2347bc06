//! HDF5 files, as Keras saves weights.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use hdf5_reader::group::Group;
use hdf5_reader::storage::DynStorage;
use hdf5_reader::{Dataset, Datatype, FileStorage, Hdf5File, OpenOptions};

use super::{Container, Dtype, Entry};

/// A VGG's largest kernel takes 9.4 MB; nothing larger is ever decoded.
const MAX_CHUNK: usize = 16 << 20;
/// An object's header, attributes included; Keras' are a few kB.
const MAX_OBJECT_HEADER: usize = 1 << 20;
/// Groups and datasets looked at; a Keras VGG with its optimiser has about 200.
const MAX_OBJECTS: usize = 2000;
/// Groups within groups; Keras nests four.
const MAX_DEPTH: usize = 8;

/// The datasets of an HDF5 file.
pub(in super::super) struct Hdf5 {
    datasets: BTreeMap<String, Dataset>,
    entries: BTreeMap<String, Entry>,
}

impl Hdf5 {
    /// Reads the groups of a file on disk. The error is a sentence without the file's name.
    pub fn from_file(file: File) -> Result<Self, String> {
        let storage = FileStorage::from_file(file).map_err(|e| describe(&e))?;
        Self::new(Arc::new(storage)).map_err(|e| describe(&e))
    }

    fn new(storage: DynStorage) -> hdf5_reader::error::Result<Self> {
        let options = OpenOptions::default()
            .with_max_chunk_bytes(MAX_CHUNK)
            .with_max_object_header_bytes(MAX_OBJECT_HEADER)
            .with_chunk_cache_bytes(0);
        let file = Hdf5File::from_storage_with_options(storage, options)?;
        let mut datasets = BTreeMap::new();
        walk(&file.root_group()?, "", 0, &mut datasets)?;
        let entries = datasets
            .iter()
            .map(|(path, dataset)| (path.clone(), entry(dataset)))
            .collect();
        Ok(Self { datasets, entries })
    }
}

fn describe(error: &hdf5_reader::error::Error) -> String {
    format!("its HDF5 structure is wrong or truncated: {error}")
}

/// Gathers the datasets below a group by their paths.
fn walk(
    group: &Group,
    prefix: &str,
    depth: usize,
    datasets: &mut BTreeMap<String, Dataset>,
) -> hdf5_reader::error::Result<()> {
    let (children, found) = group.members()?;
    if depth > MAX_DEPTH || datasets.len() + children.len() + found.len() > MAX_OBJECTS {
        let limit = "more groups and datasets than any VGG has".to_owned();
        return Err(hdf5_reader::error::Error::ResourceLimit(limit));
    }
    for dataset in found {
        datasets.insert(format!("{prefix}{}", dataset.name()), dataset);
    }
    for child in children {
        let prefix = format!("{prefix}{}/", child.name());
        walk(&child, &prefix, depth + 1, datasets)?;
    }
    Ok(())
}

fn entry(dataset: &Dataset) -> Entry {
    let dtype = match dataset.dtype() {
        Datatype::FloatingPoint { size: 4, .. } => Dtype::F32,
        Datatype::FloatingPoint { size, .. } => Dtype::Other(format!("F{}", 8 * u32::from(*size))),
        other => Dtype::Other(name_of(other).to_owned()),
    };
    let shape = dataset
        .shape()
        .iter()
        .map(|&n| usize::try_from(n).unwrap_or(usize::MAX))
        .collect();
    Entry { dtype, shape }
}

fn name_of(dtype: &Datatype) -> &'static str {
    match dtype {
        Datatype::FixedPoint { .. } => "an integer type",
        Datatype::String { .. } => "text",
        _ => "not a number type",
    }
}

impl Container for Hdf5 {
    fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    fn metadata(&self, _: &str) -> Option<&str> {
        None
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, String> {
        let dataset = self.datasets.get(name).ok_or("is missing")?;
        let shape = dataset.shape();
        let count = shape
            .iter()
            .try_fold(1_u64, |count, &n| count.checked_mul(n))
            .filter(|&count| count <= (MAX_CHUNK / 4) as u64)
            .ok_or("is too large")?;
        let mut values = vec![0.0; count as usize];
        dataset
            .read_into(&mut values)
            .map_err(|e| format!("cannot be read: {e}"))?;
        Ok(values)
    }
}
