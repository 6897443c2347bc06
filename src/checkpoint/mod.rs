//! A transfer on disk: everything needed to go on as if nothing had happened.
//!
//! One safetensors file. Tensors: `image`, `average`, and what the optimiser remembers, and the same
//! again after `good.`, of the state to go back to if the loss explodes. Metadata:
//! `nst checkpoint` (the format's version), `numbers` (name to the bits of an f64, so that nothing
//! is rounded), `passport` (what the run depends on, to compare) and `digest` (of all the rest, so
//! that damage is found).

mod error;
mod file;
mod passport;
mod save;
mod state;

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

pub use error::CheckpointError;
pub use file::{is_there, passport, remove};
pub use passport::{Difference, Passport};
pub use save::save;

use save::digest;

use crate::job::{Job, Plan};
use crate::optimize::State;

/// Version of the format: a file of another one is refused.
const VERSION: &str = "2";
/// What the metadata of every checkpoint has, with the version: a file without it is none of ours.
const MARK: &str = "nst checkpoint";
/// Pictures a checkpoint holds beside the optimiser's history.
const PICTURES: u64 = 8;

/// A state as named tensors `[1, 3, height, width]` and numbers.
#[derive(Clone, Debug, Default)]
struct Parts {
    tensors: BTreeMap<String, Tensor<4>>,
    numbers: BTreeMap<String, f64>,
}

impl Parts {
    /// The parts that get a name, by that name.
    fn named(self, name: impl Fn(&str) -> Option<String>) -> Self {
        let tensors = self.tensors.into_iter();
        let numbers = self.numbers.into_iter();
        Self {
            tensors: tensors.filter_map(|(k, v)| Some((name(&k)?, v))).collect(),
            numbers: numbers.filter_map(|(k, v)| Some((name(&k)?, v))).collect(),
        }
    }
}

/// Reads a checkpoint of `job` under `plan`, made with the same passport.
///
/// # Errors
///
/// [`CheckpointError`]: the file cannot be read, is none of ours, is damaged, or belongs to
/// another run.
pub fn load(
    path: &Path,
    job: &Job,
    plan: &Plan,
    passport: &Passport,
    device: &Device,
) -> Result<State, CheckpointError> {
    let (width, height) = plan.size();
    let picture = 12 * (width * height) as u64;
    let most = file::HEADER_ROOM + picture * (PICTURES + 2 * job.optimize.history as u64);
    let bytes = file::read(path, most)
        .map_err(file::unreadable(path))?
        .ok_or_else(|| damaged(path, "it is larger than any checkpoint of this job"))?;
    parse(path, &bytes, job, plan, passport, device)
}

/// [`load`] on the file's bytes; `path` is for messages.
///
/// # Errors
///
/// As [`load`].
pub fn parse(
    path: &Path,
    bytes: &[u8],
    job: &Job,
    plan: &Plan,
    passport: &Passport,
    device: &Device,
) -> Result<State, CheckpointError> {
    let damaged = |reason: &str| damaged(path, reason);
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(&e.to_string()))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    match metadata.get(MARK) {
        Some(version) if version == VERSION => {}
        Some(version) => {
            let version = version.clone();
            let path = path.to_owned();
            return Err(CheckpointError::Version { path, version });
        }
        None => {
            let path = path.to_owned();
            return Err(CheckpointError::NotOurs { path });
        }
    }
    let text = |key: &str| metadata.get(key).map_or("", String::as_str);
    let found = Passport::from_json(text("passport"))
        .ok_or_else(|| damaged("its list of settings cannot be read"))?;
    let differences = passport.differences(&found);
    if !differences.is_empty() {
        let path = path.to_owned();
        return Err(CheckpointError::OtherRun { path, differences });
    }
    let numbers: BTreeMap<String, u64> =
        serde_json::from_str(text("numbers")).map_err(|_| damaged("its numbers cannot be read"))?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| damaged(&e.to_string()))?;
    let views: BTreeMap<_, _> = file.tensors().into_iter().collect();
    let mut hasher = digest(text("numbers"), text("passport"));
    for (name, view) in &views {
        hasher.add(name.as_bytes());
        hasher.add(view.data());
    }
    if hasher.finish() != text("digest") {
        return Err(damaged("its contents do not fit its digest"));
    }
    let mut parts = Parts {
        numbers: numbers
            .into_iter()
            .map(|(k, v)| (k, f64::from_bits(v)))
            .collect(),
        tensors: BTreeMap::new(),
    };
    for (name, view) in views {
        let tensor = tensor(&view, device).ok_or_else(|| damaged("a tensor has a wrong shape"))?;
        parts.tensors.insert(name, tensor);
    }
    state::put_together(job, plan, parts).ok_or_else(|| damaged("something is missing in it"))
}

fn tensor(view: &TensorView<'_>, device: &Device) -> Option<Tensor<4>> {
    let &[1, 3, height, width] = view.shape() else {
        return None;
    };
    if view.dtype() != Dtype::F32 {
        return None;
    }
    let values: Vec<f32> = bytemuck::pod_collect_to_vec(view.data());
    let finite = values.iter().all(|v| v.is_finite());
    let data = TensorData::new(values, [1, 3, height, width]);
    finite.then(|| Tensor::from_data(data, device))
}

fn damaged(path: &Path, reason: &str) -> CheckpointError {
    CheckpointError::Damaged {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
