use std::collections::BTreeMap;
use std::fmt;

use crate::device::Backend;
use crate::job::{Init, Inputs, Job};
use crate::kernels::Isa;
use crate::picture::{Mask, Picture};

/// What the bytes of a result depend on: settings by flag, digests of pictures and weights, the
/// backend, and the instruction set of the CPU's kernels. Not the number of threads, which changes no bit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passport(BTreeMap<String, String>);

/// One thing that differs between two runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which setting or input.
    pub what: String,
    /// What this run has.
    pub now: String,
    /// What the checkpoint has.
    pub then: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, was {}", self.what, self.now, self.then)
    }
}

impl Passport {
    /// The passport of a run; `weights` is their digest, `backend` the one that computes, not
    /// [`Backend::Auto`].
    pub fn new(job: &Job, inputs: &Inputs, weights: &str, backend: Backend) -> Self {
        let mut all: BTreeMap<_, _> = job
            .list()
            .into_iter()
            .map(|(flag, value)| (format!("--{flag}"), value))
            .collect();
        let mut add = |what: String, value: String| {
            all.insert(what, value);
        };
        add(
            "the version of nst".into(),
            env!("CARGO_PKG_VERSION").into(),
        );
        add("--backend".into(), backend.name().into());
        if backend == Backend::Cpu {
            add("the instruction set".into(), Isa::chosen().name().into());
        }
        add("the weights' digest".into(), weights.into());
        add(
            "the content picture's digest".into(),
            inputs.content.digest(),
        );
        for (k, painting) in (1..).zip(&inputs.styles) {
            let mask = |mask: &Option<Mask>| mask.as_ref().map_or("none".into(), Mask::digest);
            add(
                format!("style picture {k}'s digest"),
                painting.picture.digest(),
            );
            add(
                format!("style picture {k}'s weight"),
                painting.weight.to_string(),
            );
            add(format!("content mask {k}"), mask(&painting.content_mask));
            add(format!("style mask {k}"), mask(&painting.style_mask));
        }
        if let Init::Picture(picture) = &job.init {
            add(
                "the --init picture's digest".into(),
                Picture::digest(picture),
            );
        }
        Self(all)
    }

    /// What it says of the setting with this flag.
    pub fn setting(&self, flag: &str) -> Option<&str> {
        self.0.get(&format!("--{flag}")).map(String::as_str)
    }

    /// What this run has otherwise than `then`.
    pub fn differences(&self, then: &Self) -> Vec<Difference> {
        let keys = self
            .0
            .keys()
            .chain(then.0.keys().filter(|k| !self.0.contains_key(*k)));
        let value = |map: &BTreeMap<String, String>, key: &String| {
            map.get(key).map_or("not there".to_owned(), Clone::clone)
        };
        keys.filter(|key| self.0.get(*key) != then.0.get(*key))
            .map(|key| Difference {
                what: key.clone(),
                now: value(&self.0, key),
                then: value(&then.0, key),
            })
            .collect()
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::json!(self.0).to_string()
    }

    pub(super) fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }
}
