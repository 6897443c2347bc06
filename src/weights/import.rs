//! From any format to the canonical file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::arch::{Layer, Model};

use super::container::{self, Container};
use super::naming::Naming;
use super::{
    Place, Precision, SOURCES, Source, Weights, WeightsError, assemble, digest, file_name, write,
};

/// What an import should do.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// The file to write. `None`: the network's place in the cache folder.
    pub output: Option<PathBuf>,
    /// Precision of what is written. Default: F32.
    pub precision: Precision,
    /// Which network it is, for a file that ends above `block3_conv4`, where VGG16 and VGG19
    /// are the same. `None`: as the file says.
    pub model: Option<Model>,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The file that was written.
    pub path: PathBuf,
    /// The network in it.
    pub model: Model,
    /// Its deepest layer.
    pub deepest: Layer,
    /// The known file it was made from, when its digest is in [`SOURCES`].
    pub source: Option<Source>,
}

/// Turns a file of any readable format into the canonical safetensors file.
///
/// All layers the file has are taken. The digest of the file goes into the new one's
/// metadata, with its source and licence where they are known.
///
/// # Errors
///
/// Every error of [`load`](super::load), and I/O errors of the file written.
pub fn import(file: &Path, options: &Import, cache: &Path) -> Result<Imported, WeightsError> {
    convert(file, options, cache, None)
}

/// [`import`] of a file whose source may be known already.
pub(super) fn convert(
    file: &Path,
    options: &Import,
    cache: &Path,
    known: Option<Source>,
) -> Result<Imported, WeightsError> {
    let (read, hashes) = rayon::join(|| load_all(file, options.model), || Hashes::of(file, known));
    let (weights, deepest) = read?;
    let hashes = hashes?;
    let model = weights.model;
    let path = options
        .output
        .clone()
        .unwrap_or_else(|| cache.join(file_name(model)));
    if options.output.is_none() {
        std::fs::create_dir_all(cache).map_err(|e| WeightsError::io(cache, "create", e))?;
    }
    let metadata = metadata(&weights, file, &hashes);
    write::write(&weights, options.precision, &metadata, &path)?;
    Ok(Imported {
        path,
        model,
        deepest,
        source: hashes.source,
    })
}

/// Reads every layer a file has, and says which the deepest is.
fn load_all(path: &Path, model: Option<Model>) -> Result<(Weights, Layer), WeightsError> {
    let container = container::open(path)?;
    let (model, deepest) = extent(container.as_ref(), path, model)?;
    let place = Place::File(path.to_owned());
    let weights = assemble::assemble(container.as_ref(), place, model, deepest)?;
    Ok((weights, deepest))
}

/// Which network a file holds, and how far down.
pub(super) fn extent(
    container: &dyn Container,
    path: &Path,
    model: Option<Model>,
) -> Result<(Model, Layer), WeightsError> {
    let file = path.display().to_string();
    let naming: Naming = assemble::identify(container, &file)?;
    let model = match model {
        Some(model) => Some(model),
        None => assemble::model_of(container, naming, &file)?,
    };
    let deepest = model.and_then(|model| naming.deepest(model, container.entries()));
    model.zip(deepest).ok_or_else(|| WeightsError::Unreadable {
        file,
        fault: "it ends above block3_conv4, where VGG16 and VGG19 are the same; give --model"
            .to_owned(),
    })
}

/// A file's digest, and the source it is known by.
struct Hashes {
    sha256: String,
    source: Option<Source>,
}

impl Hashes {
    fn of(path: &Path, known: Option<Source>) -> Result<Self, WeightsError> {
        let sha256 = digest::sha256(path)?;
        let source = match known {
            Some(source) => Some(source),
            None => recognise(path)?,
        };
        Ok(Self { sha256, source })
    }
}

/// The entry of the table a file is, if it is one.
fn recognise(path: &Path) -> Result<Option<Source>, WeightsError> {
    let bytes = std::fs::metadata(path)
        .map_err(|e| WeightsError::io(path, "read", e))?
        .len();
    match SOURCES.iter().find(|s| s.bytes == bytes) {
        Some(source) if digest::matches(path, source.digest)? => Ok(Some(*source)),
        _ => Ok(None),
    }
}

fn metadata<'a>(weights: &Weights, file: &Path, hashes: &Hashes) -> BTreeMap<&'a str, String> {
    let origin = &weights.origin;
    let name = || {
        let name = file.file_name().unwrap_or(file.as_os_str());
        name.to_string_lossy().into_owned()
    };
    let known = hashes.source;
    let source = known.map(|s| s.url.to_owned()).or(origin.source.clone());
    let licence = known
        .map(|s| s.licence.to_owned())
        .or(origin.licence.clone());
    BTreeMap::from([
        ("source", source.unwrap_or_else(name)),
        ("sha256", hashes.sha256.clone()),
        (
            "licence",
            licence.unwrap_or_else(|| "not stated".to_owned()),
        ),
    ])
}
