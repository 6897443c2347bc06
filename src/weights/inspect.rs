//! What is where, and what is in a file.

use std::path::{Path, PathBuf};

use crate::arch::{Layer, Model};

use super::container::{self, Container, Dtype};
use super::{Place, Places, WeightsError, assemble, digest, import};

/// A file of weights that was found.
#[derive(Debug)]
pub struct Listed {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The network its name stands for, or the one in it where its name is its own.
    pub model: Model,
    /// What the file says of its source.
    pub source: Option<String>,
    /// What the file says of its licence.
    pub licence: Option<String>,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
}

/// Every file of weights in the usual places, those that serve first. A file that cannot be
/// read is an error in its place, and so is a chosen one that is not there.
#[must_use]
pub fn list(places: &Places) -> Vec<Result<Listed, WeightsError>> {
    let (file, others) = match &places.chosen {
        // One file, whatever its name: its network is what it says itself.
        Some(chosen) if !chosen.is_dir() => {
            let others = Places {
                chosen: None,
                ..places.clone()
            };
            (Some(chosen), others)
        }
        _ => (None, places.clone()),
    };
    let chosen = file.into_iter().flat_map(|path| match models(path) {
        Ok(models) => models
            .into_iter()
            .map(|m| listed(path.clone(), m))
            .collect(),
        Err(error) => vec![Err(error)],
    });
    let usual = Model::ALL.into_iter().flat_map(|model| {
        let candidates = others.candidates(model).into_iter();
        let files = candidates.filter(|path| path.is_file());
        files.map(move |path| listed(path, model))
    });
    chosen.chain(usual).collect()
}

/// The network a file of any format belongs to, by its header: both where it ends above the first
/// layer that tells them apart.
///
/// # Errors
///
/// If the file cannot be read, or is of neither.
pub fn models(path: &Path) -> Result<Vec<Model>, WeightsError> {
    models_in(container::open(path)?.as_ref(), path)
}

fn models_in(container: &dyn Container, path: &Path) -> Result<Vec<Model>, WeightsError> {
    let file = path.display().to_string();
    let naming = assemble::identify(container, &file)?;
    let model = assemble::model_of(container, naming, &file)?;
    Ok(model.map_or_else(|| Model::ALL.to_vec(), |model| vec![model]))
}

fn listed(path: PathBuf, model: Model) -> Result<Listed, WeightsError> {
    let container = container::open(&path)?;
    let said = |key| container.metadata(key).map(str::to_owned);
    let bytes = std::fs::metadata(&path)
        .map_err(|e| WeightsError::io(&path, "read", e))?
        .len();
    Ok(Listed {
        bytes,
        model,
        source: said("source"),
        licence: said("licence"),
        sha256: digest::sha256(&path)?,
        path,
    })
}

/// One tensor of a file, as the file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorReport {
    /// Its name.
    pub name: String,
    /// Its type.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Smallest and largest finite value; `None` when it cannot be read.
    pub range: Option<(f32, f32)>,
}

/// What a file holds.
#[derive(Debug)]
pub struct Checked {
    /// The tensors that belong to the network, or, where it is none, all of them.
    pub tensors: Vec<TensorReport>,
    /// How many others the file has.
    pub others: usize,
    /// The network and its deepest layer, or everything that is wrong. Both networks when the
    /// file ends above the first layer that tells them apart.
    pub verdict: Result<(Vec<Model>, Layer), WeightsError>,
}

/// Reads a whole file of any format and checks every tensor of its network.
///
/// # Errors
///
/// Only when the file's structure cannot be read; what is wrong with the tensors is the
/// [`Checked::verdict`].
pub fn check(path: &Path) -> Result<Checked, WeightsError> {
    let container = container::open(path)?;
    let container = container.as_ref();
    let verdict = verdict(container, path);
    let all = container.entries().keys();
    let tensors: Vec<_> = all
        .filter(|name| is_part(name))
        .filter_map(|name| report(container, name))
        .collect();
    Ok(Checked {
        others: container.entries().len() - tensors.len(),
        tensors,
        verdict,
    })
}

fn verdict(container: &dyn Container, path: &Path) -> Result<(Vec<Model>, Layer), WeightsError> {
    let place = Place::File(path.to_owned());
    let models = models_in(container, path)?;
    let (model, deepest) = import::extent(container, path, models.first().copied())?;
    assemble::assemble(container, place, model, deepest)?;
    Ok((models, deepest))
}

/// Whether a tensor is a convolution's, by the name alone: a classifier is far larger and
/// not looked at.
fn is_part(name: &str) -> bool {
    name.starts_with("block") || name.starts_with("features.") || name.contains("/block")
}

fn report(container: &dyn Container, name: &str) -> Option<TensorReport> {
    let entry = container.entries().get(name)?;
    let readable = !matches!(entry.dtype, Dtype::Other(_));
    let values = readable.then(|| container.read(name).ok()).flatten();
    let range = values.and_then(|values| {
        let finite = values.iter().copied().filter(|v| v.is_finite());
        finite.fold(None, |range: Option<(f32, f32)>, v| {
            Some(range.map_or((v, v), |(low, high)| (low.min(v), high.max(v))))
        })
    });
    Some(TensorReport {
        name: name.to_owned(),
        dtype: entry.dtype.to_string(),
        shape: entry.shape.clone(),
        range,
    })
}
