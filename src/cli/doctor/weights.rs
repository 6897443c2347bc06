use std::fmt::Display;
use std::io;

use nst::vgg::{Layer, Model};
use nst::weights::{self, Places, Source, WeightsError};

use crate::cli::fault::describe;

/// Tells, for each network, where a run with the defaults takes its weights from. False if one for
/// the default network cannot be used.
pub fn rows(mut row: impl FnMut(&str, &dyn Display) -> io::Result<()>) -> io::Result<bool> {
    let places = Places::of_this_process();
    let mut usable = true;
    for model in [Model::Vgg19, Model::Vgg16] {
        match origin(model, &places) {
            Ok(origin) => row(model.name(), &origin)?,
            Err(error) => {
                usable &= model != nst::Job::default().model;
                row(model.name(), &describe(&error.into()))?;
            }
        }
    }
    Ok(usable)
}

/// In the order in which a run looks.
fn origin(model: Model, places: &Places) -> Result<String, WeightsError> {
    let first = Layer::new(1, 1);
    if let Some(path) = places.file(model)? {
        return Ok(weights::load(&path, model, first)?.origin.to_string());
    }
    let built_in = match weights::built_in(model, first) {
        Some(weights) => Some(weights?.origin),
        None => None,
    };
    let fetched = (places.network.is_some() && places.cache.is_some()).then(|| {
        let source = Source::default_for(model);
        let megabytes = (source.bytes as f64 / 1e6).round();
        format!(
            "a run fetches ImageNet's first ({megabytes} MB, {})",
            source.publisher
        )
    });
    Ok(match (fetched, built_in) {
        (Some(fetched), Some(built_in)) => format!("{fetched}, or else takes {built_in}"),
        (Some(fetched), None) => format!("{fetched}; nothing else is here"),
        (None, Some(built_in)) => built_in.to_string(),
        (None, None) => "none: nst weights import FILE".to_owned(),
    })
}
