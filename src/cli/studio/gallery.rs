//! What was painted in the folder, by what the pictures themselves say.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nst::picture::OutputFormat;
use nst::weights;
use serde::Serialize;

use super::ask::{Ask, Given, StyleAsk};
use super::settings::{Kind, offered};
use super::shelf::Shelf;
use crate::cli::command_line;
use crate::cli::provenance::Provenance;

/// Most pictures that are shown: the newest.
const MOST: usize = 300;

/// A picture in the folder that says how it was made.
#[derive(Clone, Debug, Serialize)]
pub struct Painted {
    pub id: String,
    pub name: String,
    /// Seconds since 1970.
    pub written: u64,
    pub command: String,
    /// The flags that made it, with their values, none for a switch.
    pub settings: BTreeMap<String, Vec<String>>,
    pub unfinished: bool,
}

/// What has been read of the folder.
#[derive(Default)]
pub struct Gallery {
    seen: HashMap<PathBuf, (SystemTime, u64, Option<Provenance>)>,
}

impl Gallery {
    /// The pictures in the current folder, the newest first. Files that have not changed since the last
    /// look are not read again.
    pub fn look(&mut self, shelf: &mut Shelf) -> Vec<Painted> {
        let mut found = files();
        found.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
        found.truncate(MOST);
        let mut seen = HashMap::new();
        let mut painted = Vec::new();
        for (path, written, length) in found {
            let before = self.seen.remove(&path);
            let provenance = match before {
                Some((at, long, provenance)) if (at, long) == (written, length) => provenance,
                // A picture that says nothing, or damaged things, is none of ours.
                _ => Provenance::read(&path).ok().flatten(),
            };
            if let Some(provenance) = &provenance {
                painted.extend(entry(&path, written, provenance, shelf));
            }
            seen.insert(path, (written, length, provenance));
        }
        self.seen = seen;
        painted
    }

    /// What made a picture of the last look.
    pub fn provenance(&self, path: &Path) -> Option<&Provenance> {
        self.seen.get(path)?.2.as_ref()
    }
}

/// The files in the current folder that may be pictures, with the time they were written and their length.
fn files() -> Vec<(PathBuf, SystemTime, u64)> {
    let entries = fs::read_dir(".").into_iter().flatten().flatten();
    let file = |entry: fs::DirEntry| {
        let path = PathBuf::from(entry.file_name());
        OutputFormat::from_path(&path).ok()?;
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        Some((path, metadata.modified().ok()?, metadata.len()))
    };
    entries.filter_map(file).collect()
}

fn entry(
    path: &Path,
    written: SystemTime,
    provenance: &Provenance,
    shelf: &mut Shelf,
) -> Option<Painted> {
    let mut flags = provenance.flags().ok()?;
    flags.set("output", &[path]);
    let seconds = written.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(Painted {
        id: shelf.put(path),
        name: path.display().to_string(),
        written: seconds.as_secs(),
        command: command_line::quoted(&flags).ok()?,
        settings: provenance.flags.clone(),
        unfinished: provenance.is_unfinished(),
    })
}

/// What to ask for to paint a picture again, and the inputs that are not as they were.
#[derive(Debug, Serialize)]
pub struct Again {
    pub ask: Ask,
    pub missing: Vec<String>,
    /// Flags that the page has no means for.
    pub left_out: Vec<String>,
}

/// How to paint a picture again. Its record may come from anybody: a file is taken only if it is the
/// one whose digest the record has.
pub fn again(provenance: &Provenance, shelf: &mut Shelf) -> Again {
    let mut again = Again {
        ask: Ask::default(),
        missing: Vec::new(),
        left_out: Vec::new(),
    };
    let offered = offered();
    for (name, values) in &provenance.flags {
        match name.as_str() {
            "content" | "style" | "content-mask" | "style-mask" | "init"
                if name != "init" || is_input(values, provenance) =>
            {
                let taken = values.iter().map(|value| taken(value, provenance, shelf));
                let taken: Vec<_> = taken.collect();
                for (value, taken) in values.iter().zip(&taken) {
                    if taken.is_none() {
                        again.missing.push(value.clone());
                    }
                }
                give(&mut again.ask, name, taken.into_iter().flatten());
            }
            "sweep" => again.left_out.push(name.clone()),
            _ => match offered.iter().find(|setting| setting.flag == *name) {
                Some(setting) if setting.kind == Kind::Switch => {
                    again.ask.settings.insert(name.clone(), Given::Switch(true));
                }
                Some(_) if values.len() == 1 => {
                    let value = Given::Text(values[0].clone());
                    again.ask.settings.insert(name.clone(), value);
                }
                _ => again.left_out.push(name.clone()),
            },
        }
    }
    again
}

/// Whether a flag was given a file, not a word.
fn is_input(values: &[String], provenance: &Provenance) -> bool {
    values
        .iter()
        .any(|value| provenance.inputs.contains_key(value))
}

fn give(ask: &mut Ask, name: &str, mut taken: impl Iterator<Item = StyleAsk>) {
    match name {
        "content" => ask.content = taken.next().map(|picture| picture.id).unwrap_or_default(),
        "style" => ask.styles = taken.collect(),
        "style-mask" => ask.style_masks = taken.map(|picture| picture.id).collect(),
        "init" => ask.init = taken.next().map(|picture| picture.id),
        _ => ask.content_masks = taken.map(|picture| picture.id).collect(),
    }
}

/// The id of a file that a record names, with its weight, if it is still that file.
fn taken(value: &str, provenance: &Provenance, shelf: &mut Shelf) -> Option<StyleAsk> {
    let (name, weight) = match value.rsplit_once(':') {
        Some((name, weight)) if provenance.inputs.contains_key(name) => {
            (name, weight.parse().ok()?)
        }
        _ => (value, 1.0),
    };
    let path = Path::new(name);
    let digest = provenance.inputs.get(name)?;
    let same = path.is_file() && weights::sha256(path).is_ok_and(|found| found == *digest);
    same.then(|| StyleAsk {
        id: shelf.put(path),
        weight,
    })
}
