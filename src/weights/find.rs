//! The places where weights are looked for, in order.

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use directories::ProjectDirs;

use crate::arch::{Layer, Model};

use super::{Internet, Notice, Report, Source, Weights, WeightsError, built_in, container, fetch};

/// What a person asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The best there is: files first, the built-in network last.
    #[default]
    Auto,
    /// ImageNet's weights from wherever they are, or an error.
    ImageNet,
    /// The built-in network.
    BuiltIn,
    /// This file.
    File(PathBuf),
}

impl FromStr for Choice {
    type Err = Infallible;

    /// `builtin`, `imagenet`, or else the path of a file.
    fn from_str(s: &str) -> Result<Self, Infallible> {
        Ok(match s {
            "builtin" => Self::BuiltIn,
            "imagenet" => Self::ImageNet,
            path => Self::File(path.into()),
        })
    }
}

/// Where to look for weights.
#[derive(Clone, Debug)]
pub struct Places {
    /// A file, or a folder of files: `$NST_WEIGHTS`.
    pub chosen: Option<PathBuf>,
    /// The user's cache folder, where fetched and imported weights live.
    pub cache: Option<PathBuf>,
    /// `weights/` beside the working directory.
    pub beside: PathBuf,
    /// How weights may be fetched into the cache folder. `None`: not at all.
    pub network: Option<Internet>,
}

impl Places {
    /// The places of this process: `$NST_WEIGHTS`, the user's cache folder, `weights/`, and
    /// the network unless `$NST_OFFLINE` forbids it.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self {
            chosen: env::var_os("NST_WEIGHTS")
                .filter(|v| !v.is_empty())
                .map(PathBuf::from),
            cache: ProjectDirs::from("", "", "nst").map(|dirs| dirs.cache_dir().to_owned()),
            beside: PathBuf::from("weights"),
            network: Internet::of_this_process(),
        }
    }

    /// Every path where a network's file may be, best first.
    pub(super) fn candidates(&self, model: Model) -> Vec<PathBuf> {
        let chosen = self.chosen.as_ref().map(|path| {
            if path.is_dir() {
                path.join(file_name(model))
            } else {
                path.clone()
            }
        });
        let cache = self
            .cache
            .as_ref()
            .map(|folder| folder.join(file_name(model)));
        let beside = Some(self.beside.join(file_name(model)));
        [chosen, cache, beside].into_iter().flatten().collect()
    }

    /// The places in the words of an error message.
    fn described(&self) -> Vec<String> {
        let chosen = self
            .chosen
            .as_ref()
            .map(|p| format!("$NST_WEIGHTS ({})", p.display()));
        let cache = self.cache.as_ref().map(|p| p.display().to_string());
        let beside = Some(self.beside.display().to_string());
        [chosen, cache, beside].into_iter().flatten().collect()
    }

    /// The file that serves `model`, if a place has one. Only its header is read.
    ///
    /// A copy of the built-in network in a folder does not count: it would hide the
    /// ImageNet weights that a fetch can bring.
    ///
    /// # Errors
    ///
    /// When a file that may serve cannot be read.
    pub fn file(&self, model: Model) -> Result<Option<PathBuf>, WeightsError> {
        if let Some(chosen) = &self.chosen
            && !chosen.is_dir()
        {
            return Ok(Some(chosen.clone()));
        }
        for path in self.candidates(model) {
            if path.is_file() && !is_built_in_copy(&path)? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
}

/// The name of a network's file in every folder: `vgg19.safetensors`.
#[must_use]
pub fn file_name(model: Model) -> String {
    format!("{model}.safetensors")
}

/// The metadata `source` of this project's own networks.
const OWN_SOURCE: &str = "nst builtin";

fn is_built_in_copy(path: &Path) -> Result<bool, WeightsError> {
    Ok(container::open(path)?.metadata("source") == Some(OWN_SOURCE))
}

/// Finds, checks and reads the weights of `model` from the picture down to `deepest`.
///
/// In this order: the choice itself, `$NST_WEIGHTS`, the cache folder, `weights/` beside the
/// working directory, a fetch into the cache folder, and, unless ImageNet's were asked for by
/// name, the built-in network, which is reported with the reason.
///
/// # Errors
///
/// [`WeightsError::NotFound`] when no place has weights, and every error of
/// [`load`](super::load). A damaged file is an error even where a later place would serve: a
/// silent change of network would change the picture.
pub fn find(
    choice: &Choice,
    model: Model,
    deepest: Layer,
    places: &Places,
    report: &dyn Report,
) -> Result<Weights, WeightsError> {
    match choice {
        Choice::File(path) => return super::load(path, model, deepest),
        Choice::BuiltIn => {
            return built_in(model, deepest)
                .unwrap_or_else(|| Err(not_found(places, model, "this build carries no network")));
        }
        Choice::Auto | Choice::ImageNet => {}
    }
    if let Some(path) = places.file(model)? {
        return super::load(&path, model, deepest);
    }
    let why = match fetch_into_cache(model, places, report) {
        Ok(path) => return super::load(&path, model, deepest),
        Err(error) => one_line(&error),
    };
    match built_in(model, deepest) {
        Some(weights) if *choice == Choice::Auto => {
            let url = Source::default_for(model).url;
            report.notice(&Notice::BuiltIn { model, why, url });
            weights
        }
        _ => Err(not_found(places, model, &why)),
    }
}

fn fetch_into_cache(
    model: Model,
    places: &Places,
    report: &dyn Report,
) -> Result<PathBuf, WeightsError> {
    let network = places.network.as_ref().ok_or(WeightsError::Offline)?;
    let cache = places.cache.as_ref().ok_or(WeightsError::NoCache)?;
    let source = Source::default_for(model);
    fetch::fetch(
        source,
        &fetch::FetchFrom::Publisher,
        cache,
        Some(network),
        report,
    )
}

/// An error with its causes, on one line.
fn one_line(error: &dyn Error) -> String {
    let mut line = error.to_string().replace('\n', " ");
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

fn not_found(places: &Places, model: Model, why: &str) -> WeightsError {
    WeightsError::NotFound {
        model,
        why: why.to_owned(),
        places: places.described(),
        url: Source::default_for(model).url,
    }
}
