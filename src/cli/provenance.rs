//! What an output says of how it was made.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use nst::picture;
use nst::vgg::Model;
use nst::weights::{Place, WeightsError, built_in_sha256, sha256};
use serde::{Deserialize, Serialize};

use crate::cli::args::Role;
use crate::cli::flags::Flags;

/// How a picture was made. As JSON in the picture; the names are a contract.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Provenance {
    /// Version of nst.
    pub nst: String,
    /// The flags that matter, by name, as given: their values, none for a switch.
    pub flags: BTreeMap<String, Vec<String>>,
    /// SHA-256 of each input picture, by its name as given.
    pub inputs: BTreeMap<String, String>,
    /// The network's weights.
    pub weights: WeightsRecord,
    /// The step after which the picture was saved, where that was not the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_after: Option<usize>,
    /// The step at which the loss exploded, where it did: the picture is the last good one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged: Option<usize>,
}

/// Which weights: without their folder, which is nobody's business.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct WeightsRecord {
    /// Name of the file, or `built-in`.
    pub name: String,
    /// SHA-256 of the file, also of the one in the binary.
    pub sha256: String,
    /// What the file says of its own source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl WeightsRecord {
    /// Reads the weights' file for its digest.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn of(place: &Place, model: Model, source: Option<String>) -> Result<Self, WeightsError> {
        let (name, sha256) = match place {
            Place::BuiltIn => (
                "built-in".into(),
                built_in_sha256(model).unwrap_or_default(),
            ),
            Place::File(path) => {
                let name = path.file_name().unwrap_or_default();
                (name.to_string_lossy().into_owned(), sha256(path)?)
            }
        };
        Ok(Self {
            name,
            sha256,
            source,
        })
    }
}

impl Provenance {
    /// The provenance of a picture of this version of nst.
    pub fn new(flags: &Flags, inputs: BTreeMap<String, String>, weights: WeightsRecord) -> Self {
        let lossy = |value: &OsString| value.to_string_lossy().into_owned();
        Self {
            nst: env!("CARGO_PKG_VERSION").to_owned(),
            flags: flags
                .of_the_picture()
                .iter()
                .map(|(name, values)| (name.to_owned(), values.iter().map(lossy).collect()))
                .collect(),
            inputs,
            weights,
            stopped_after: None,
            diverged: None,
        }
    }

    /// The text in a picture saved after `stopped_after` steps, or the last one.
    ///
    /// # Errors
    ///
    /// None in practice: every part can be JSON.
    pub fn text(&self, stopped_after: Option<usize>) -> anyhow::Result<String> {
        let mut this = self.clone();
        this.stopped_after = stopped_after;
        Ok(serde_json::to_string(&this)?)
    }

    /// Reads it from a picture, which may come from anybody. None if there is none.
    ///
    /// # Errors
    ///
    /// If it is not what nst writes. Control characters count as that too: a terminal would obey
    /// them.
    pub fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        let Some(text) = picture::provenance(path) else {
            return Ok(None);
        };
        let read: Result<Self, _> = serde_json::from_str(&text);
        let this = read.map_err(|error| {
            anyhow::anyhow!("{}: its provenance is damaged: {error}", path.display())
        })?;
        if this.has_control_characters() {
            anyhow::bail!(
                "{}: its provenance has control characters in it and is not shown",
                path.display()
            );
        }
        Ok(Some(this))
    }

    /// Whether the picture was saved before its last step.
    pub fn is_unfinished(&self) -> bool {
        self.stopped_after.is_some() || self.diverged.is_some()
    }

    /// Whether a run with these flags and inputs makes this picture, if it uses the same weights. In
    /// other tiles, which the memory of the day decides, it is the same up to rounding.
    pub fn is_of(&self, flags: &Flags, inputs: &BTreeMap<String, String>) -> bool {
        let without_tile = |mut this: Self| {
            this.flags.remove("tile");
            this.flags
        };
        let this = Self::new(flags, inputs.clone(), self.weights.clone());
        this.inputs == self.inputs && without_tile(this) == without_tile(self.clone())
    }

    fn has_control_characters(&self) -> bool {
        let flags = self.flags.iter().flat_map(|(k, v)| v.iter().chain([k]));
        let inputs = self.inputs.iter().flat_map(|(k, v)| [k, v]);
        let weights = [&self.weights.name, &self.weights.sha256, &self.nst];
        flags
            .chain(inputs)
            .chain(weights)
            .chain(&self.weights.source)
            .any(|text| text.contains(char::is_control))
    }

    /// The flags for a command line. The record may come from anybody, so only those that nst itself
    /// would have written are taken: flags that change the picture, by their exact names.
    ///
    /// # Errors
    ///
    /// The name of any other flag.
    pub fn flags(&self) -> Result<Flags, String> {
        let mut flags = Flags::default();
        for (name, values) in &self.flags {
            if !Role::of(name).is_some_and(Role::makes_the_picture) {
                return Err(name.clone());
            }
            flags.set(name, values);
        }
        Ok(flags)
    }
}

/// Whether the file is a picture that was saved before its last step.
pub fn is_unfinished(path: &Path) -> bool {
    let read = Provenance::read(path);
    matches!(read, Ok(Some(provenance)) if provenance.is_unfinished())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provenance() -> Provenance {
        let mut flags = Flags::default();
        flags.set("content", &["a.png"]);
        flags.set("output", &["out.png"]);
        flags.set("threads", &["3"]);
        flags.set::<&str>("quiet", &[]);
        let weights = WeightsRecord {
            name: "built-in".into(),
            sha256: "0123".into(),
            source: None,
        };
        Provenance::new(
            &flags,
            BTreeMap::from([("a.png".into(), "ff".into())]),
            weights,
        )
    }

    #[test]
    fn only_what_makes_the_picture_is_kept() {
        let text = provenance().text(None).unwrap();
        assert!(
            text.contains("a.png") && !text.contains("stopped"),
            "{text}"
        );
        for other in ["out.png", "threads", "quiet"] {
            assert!(!text.contains(other), "{text}");
        }
        let stopped = provenance().text(Some(7)).unwrap();
        assert!(stopped.contains("\"stopped_after\":7"), "{stopped}");
    }

    #[test]
    fn control_characters_are_found_wherever_they_are() {
        let good = provenance();
        assert!(!good.has_control_characters());
        let evil = "\u{1b}[2J".to_owned();
        let mut flag = good.clone();
        flag.flags.insert(evil.clone(), vec![]);
        let mut value = good.clone();
        value.flags.insert("beta".into(), vec![evil.clone()]);
        let mut input = good.clone();
        input.inputs.insert(evil.clone(), String::new());
        let mut source = good.clone();
        source.weights.source = Some(evil.clone());
        let mut version = good;
        version.nst = evil;
        for bad in [flag, value, input, source, version] {
            assert!(bad.has_control_characters());
        }
    }

    #[test]
    fn a_record_with_any_other_flag_is_refused_by_its_name() {
        let good = provenance();
        assert_eq!(good.flags().unwrap().iter().count(), 1);
        for name in [
            "overwrite",
            "output",
            "checkpoint",
            "checkpoint=victim",
            "timelapse=victim",
            "beta=3",
            "--beta",
            "Beta",
            "bet",
            "help",
            "",
        ] {
            let mut evil = good.clone();
            evil.flags.insert(name.into(), vec![]);
            assert_eq!(evil.flags(), Err(name.to_owned()));
        }
    }
}
