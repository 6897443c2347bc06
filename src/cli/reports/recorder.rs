use std::collections::BTreeMap;
use std::ops::ControlFlow;

use nst::{Draw, Observer, ObserverError, Step};
use serde::{Deserialize, Serialize};

use super::Image;
use crate::cli::observers::{Audience, Ending, Scene};

/// What a report says of one transfer.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Record {
    /// What the picture is called.
    pub name: String,
    /// The photo, at the result's size.
    pub before: Option<Image>,
    pub paintings: Vec<Image>,
    pub after: Option<Image>,
    /// The flags that make the picture, as given: names and values.
    pub settings: Vec<(String, String)>,
    /// Width and height of the result in pixels.
    pub size: (usize, usize),
    /// Width, height and updates of each scale.
    pub scales: Vec<(usize, usize, usize)>,
    pub network: String,
    pub backend: String,
    /// The losses by name, at each step that was done.
    pub losses: BTreeMap<String, Vec<f32>>,
    pub steps: usize,
    pub seconds: f64,
    /// What to know of the picture, unless all steps were done.
    pub remark: Option<String>,
    pub notes: Vec<String>,
}

/// Records transfers, one after another.
pub struct Recorder {
    /// Longest side of the pictures that are kept, in pixels.
    side: usize,
    record: Record,
    notes: std::cell::RefCell<Vec<String>>,
    /// Those that came to an end.
    pub done: Vec<Record>,
}

impl Default for Recorder {
    /// Keeps pictures that fill a page.
    fn default() -> Self {
        Self::with_side(1024)
    }
}

impl Recorder {
    /// Keeps pictures of at most this side, in pixels.
    pub fn with_side(side: usize) -> Self {
        Self {
            side,
            record: Record::default(),
            notes: std::cell::RefCell::default(),
            done: Vec::new(),
        }
    }

    /// The transfer that has begun and not ended.
    #[cfg(feature = "studio")]
    pub fn current(&self) -> &Record {
        &self.record
    }
}

impl Observer for Recorder {
    fn step(&mut self, step: &Step<'_>, _: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        if !step.rolled_back {
            let losses = &mut self.record.losses;
            let layers = step.terms.layers.iter();
            let layers = layers.map(|(layer, &loss)| (layer.to_string(), loss));
            for (name, loss) in layers.chain([("content".to_owned(), step.terms.content)]) {
                losses.entry(name).or_default().push(loss);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl Audience for Recorder {
    fn note(&self, text: &str) {
        self.notes.borrow_mut().push(text.to_owned());
    }

    fn begins(&mut self, scene: &Scene<'_>) {
        let (width, height) = scene.plan.size();
        let setting = |(name, values): (&str, &[std::ffi::OsString])| {
            let values: Vec<_> = values.iter().map(|value| value.to_string_lossy()).collect();
            (name.to_owned(), values.join(", "))
        };
        let scales = scene.plan.scales.iter();
        self.record = Record {
            name: scene.name.to_owned(),
            before: Image::of(&scene.pictures.content.resized(width, height), self.side),
            paintings: scene
                .pictures
                .styles
                .iter()
                .filter_map(|painting| Image::of(&painting.picture, self.side / 2))
                .collect(),
            settings: scene.flags.of_the_picture().iter().map(setting).collect(),
            size: (width, height),
            scales: scales
                .map(|scale| (scale.size.0, scale.size.1, scale.steps))
                .collect(),
            network: scene.network.clone(),
            backend: scene.backend.to_string(),
            ..Record::default()
        };
    }

    fn ends(&mut self, ending: &Ending<'_>) {
        let mut record = std::mem::take(&mut self.record);
        record.after = Image::of(ending.picture, self.side);
        record.steps = ending.steps;
        record.seconds = ending.seconds;
        record.remark.clone_from(&ending.remark);
        record.notes = self.notes.take();
        self.done.push(record);
    }
}
