//! Which weights there are, and fetching ImageNet's.

use std::sync::Arc;
use std::thread;

use nst::vgg::Model;
use nst::weights::{self, FetchFrom, Notice, Places, Publisher, Report, Source, WeightsError};
use serde::Serialize;

use super::state::Studio;
use crate::cli::fault::describe;
use crate::cli::say;

/// The networks' weights, as pages are told of them.
#[derive(Debug, Default, Serialize)]
pub struct Network {
    /// The file that serves, by network.
    files: Vec<(&'static str, Option<String>)>,
    fetching: Option<Fetching>,
    /// Why the last fetch failed.
    error: Option<String>,
    /// Counts fetches that ended well.
    pub fetched: u32,
}

/// A download.
#[derive(Debug, Serialize)]
struct Fetching {
    model: &'static str,
    done: u64,
    total: u64,
}

impl Network {
    /// What is on this machine.
    pub fn found() -> Self {
        Self {
            files: files(),
            ..Self::default()
        }
    }
}

fn files() -> Vec<(&'static str, Option<String>)> {
    let places = Places::of_this_process();
    let file = |model: Model| {
        let path = places.file(model).ok().flatten()?;
        Some(path.file_name()?.to_string_lossy().into_owned())
    };
    Model::ALL
        .iter()
        .map(|&model| (model.name(), file(model)))
        .collect()
}

/// Fetches a network's weights while the studio goes on.
///
/// # Errors
///
/// If a download goes on already.
pub fn fetch(studio: &Arc<Studio>, model: Model) -> anyhow::Result<()> {
    let source = Source::of(model, Publisher::default());
    studio.change(|inner| {
        let network = &mut inner.network;
        anyhow::ensure!(
            network.fetching.is_none(),
            "weights are being fetched already"
        );
        network.error = None;
        network.fetching = Some(Fetching {
            model: model.name(),
            done: 0,
            total: source.bytes,
        });
        Ok(())
    })?;
    let studio = Arc::clone(studio);
    thread::spawn(move || {
        let ended = fetched(source, &studio);
        studio.change(|inner| {
            let network = &mut inner.network;
            network.fetching = None;
            network.files = files();
            match ended {
                Ok(()) => network.fetched += 1,
                Err(error) => network.error = Some(describe(&error.into())),
            }
        });
    });
    Ok(())
}

fn fetched(source: &Source, studio: &Studio) -> Result<(), WeightsError> {
    let places = Places::of_this_process();
    let cache = places.cache.as_deref().ok_or(WeightsError::NoCache)?;
    let internet = places.network.as_ref();
    weights::fetch(
        source,
        &FetchFrom::Publisher,
        cache,
        internet,
        &Listener(studio),
    )
    .map(drop)
}

/// Tells pages of a download.
struct Listener<'a>(&'a Studio);

impl Report for Listener<'_> {
    fn notice(&self, notice: &Notice) {
        say::line(notice);
    }

    fn progress(&self, done: u64, total: u64) {
        self.0.change(|inner| {
            if let Some(fetching) = &mut inner.network.fetching {
                (fetching.done, fetching.total) = (done, total);
            }
        });
    }
}
