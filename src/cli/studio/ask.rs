//! From what the page asks for to the flags of a command line.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::settings::{Kind, Setting, offered};
use super::shelf::Shelf;
use crate::cli::args::Transfer;
use crate::cli::fault::Usage;
use crate::cli::flags::Flags;
use crate::cli::names::beginning;
use crate::cli::{command_line, paint, sweep};

/// A run as the page asks for it: pictures by their ids, settings by the flags' long names.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub content: String,
    pub styles: Vec<StyleAsk>,
    /// Parts of the photo, one for each painting, or none at all.
    #[serde(default)]
    pub content_masks: Vec<String>,
    /// Parts of the paintings, likewise.
    #[serde(default)]
    pub style_masks: Vec<String>,
    /// A picture to start from, instead of what the settings say.
    #[serde(default)]
    pub init: Option<String>,
    #[serde(default)]
    pub settings: BTreeMap<String, Given>,
    #[serde(default)]
    pub sweep: Option<SweepAsk>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StyleAsk {
    pub id: String,
    #[serde(default = "one")]
    pub weight: f32,
}

fn one() -> f32 {
    1.0
}

/// What is given to a flag: on or off, or a text.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Given {
    Switch(bool),
    Text(String),
}

/// Values of one flag, for one sheet.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SweepAsk {
    pub flag: String,
    pub values: Vec<String>,
}

impl fmt::Display for SweepAsk {
    /// As `--sweep` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.flag, self.values.join(","))
    }
}

/// A run that may be queued.
#[derive(Debug)]
pub struct Order {
    pub flags: Flags,
    /// The same as a command line.
    pub command: String,
    /// Where its result goes.
    pub output: PathBuf,
    pub sweep: Option<SweepAsk>,
}

impl Order {
    /// Checks everything that the flags tell. `taken` are results that other orders will write.
    ///
    /// # Errors
    ///
    /// What cannot be, in the words of the command line.
    pub fn of(ask: &Ask, shelf: &Shelf, taken: &HashSet<PathBuf>) -> anyhow::Result<Self> {
        let mut flags = settings(&ask.settings)?;
        pictures(ask, shelf, &mut flags)?;
        if let Some(sweep) = &ask.sweep {
            flags.set("sweep", &[swept(sweep)?]);
        }
        flags.set::<&str>("offline", &[]);
        let extension = flags.take("ext");
        let extension = extension
            .as_deref()
            .and_then(|e| e.to_str())
            .unwrap_or("png");
        let stem = stem(ask, shelf)?;
        let output = free(&stem, extension, taken);
        flags.set("output", &[&output]);
        if flags.has("timelapse") {
            flags.set("timelapse", &[output.with_extension("gif")]);
        }
        let (transfer, flags) = flags.parse().map_err(Usage)?;
        check(&transfer, &flags)?;
        Ok(Self {
            command: command_line::quoted(&flags)?,
            flags,
            output,
            sweep: ask.sweep.clone(),
        })
    }
}

fn check(transfer: &Transfer, flags: &Flags) -> anyhow::Result<()> {
    if transfer.output.sweep.is_some() {
        sweep::check(transfer, flags)?;
        return Ok(sweep::variants_of(transfer, flags).map(drop)?);
    }
    paint::check(transfer)
}

/// The flags of the settings: those that the page offers, with values that it may give.
fn settings(given: &BTreeMap<String, Given>) -> anyhow::Result<Flags> {
    let offered = offered();
    let mut flags = Flags::default();
    for (name, value) in given {
        let setting = find(&offered, name)?;
        match (&setting.kind, value) {
            (Kind::Switch, Given::Switch(true)) => flags.set::<&str>(name, &[]),
            (Kind::Switch, Given::Switch(false)) => {}
            (Kind::Switch, Given::Text(_)) => anyhow::bail!("--{name} is on or off"),
            (_, Given::Switch(_)) => anyhow::bail!("--{name} needs a value"),
            (_, Given::Text(text)) => {
                check_value(setting, text)?;
                flags.set(name, &[text]);
            }
        }
    }
    Ok(flags)
}

fn find<'a>(offered: &'a [Setting], name: &str) -> anyhow::Result<&'a Setting> {
    let found = offered.iter().find(|setting| setting.flag == name);
    found.ok_or_else(|| anyhow::anyhow!("--{name} is no setting of this page"))
}

/// Clap has the last word on values; but of a flag that also takes a path, only the choices pass.
fn check_value(setting: &Setting, text: &str) -> anyhow::Result<()> {
    let name = &setting.flag;
    if text.contains(char::is_control) || text.len() > 1000 {
        anyhow::bail!("--{name}: this is no value");
    }
    match &setting.kind {
        Kind::Choice { values } if !values.iter().any(|value| value == text) => {
            anyhow::bail!("--{name} {text}: it is one of {}", values.join(", "))
        }
        _ => Ok(()),
    }
}

/// The value of `--sweep`.
fn swept(sweep: &SweepAsk) -> anyhow::Result<String> {
    let offered = offered();
    let setting = find(&offered, &sweep.flag)?;
    if !setting.sweepable {
        anyhow::bail!("--sweep: --{} cannot be swept", sweep.flag);
    }
    for value in &sweep.values {
        check_value(setting, value)?;
        if value.is_empty() || value.contains(',') {
            anyhow::bail!(
                "--sweep: write the values of --{} with commas between",
                sweep.flag
            );
        }
    }
    Ok(sweep.to_string())
}

fn pictures(ask: &Ask, shelf: &Shelf, flags: &mut Flags) -> anyhow::Result<()> {
    flags.set("content", &[shelf.path(&ask.content)?]);
    let mut styles = Vec::new();
    for style in &ask.styles {
        let mut path = shelf.path(&style.id)?.as_os_str().to_owned();
        if (style.weight - 1.0).abs() > f32::EPSILON {
            path.push(format!(":{}", style.weight));
        }
        styles.push(path);
    }
    anyhow::ensure!(!styles.is_empty(), "a painting is missing");
    flags.set("style", &styles);
    for (flag, ids) in [
        ("content-mask", ask.content_masks.as_slice()),
        ("style-mask", ask.style_masks.as_slice()),
        ("init", ask.init.as_slice()),
    ] {
        let paths = ids.iter().map(|id| shelf.path(id));
        let paths = paths.collect::<anyhow::Result<Vec<_>>>()?;
        if !paths.is_empty() {
            flags.set(flag, &paths);
        }
    }
    Ok(())
}

/// `photo_painting`, or what a sheet is called.
fn stem(ask: &Ask, shelf: &Shelf) -> anyhow::Result<String> {
    let stem = |id: &str| -> anyhow::Result<String> {
        let path = shelf.path(id)?;
        let stem = beginning(path.file_stem().unwrap_or_default());
        Ok(stem.to_string_lossy().into_owned())
    };
    let style = ask
        .styles
        .first()
        .map(|style| stem(&style.id))
        .transpose()?;
    let both = format!("{}_{}", stem(&ask.content)?, style.unwrap_or_default());
    Ok(match &ask.sweep {
        Some(sweep) => format!("{both}_{}-sheet", sweep.flag),
        None => both,
    })
}

/// A name in the current folder that nothing has and nobody waits to write.
fn free(stem: &str, extension: &str, taken: &HashSet<PathBuf>) -> PathBuf {
    let name = |n: usize, extension: &str| match n {
        1 => PathBuf::from(format!("{stem}.{extension}")),
        n => PathBuf::from(format!("{stem}-{n}.{extension}")),
    };
    let is_free = |path: &Path| path.symlink_metadata().is_err() && !taken.contains(path);
    let mut n = 1;
    while !is_free(&name(n, extension)) || !is_free(&name(n, "gif")) {
        n += 1;
    }
    name(n, extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, Given)]) -> anyhow::Result<Flags> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        settings(&pairs.collect())
    }

    fn text(text: &str) -> Given {
        Given::Text(text.into())
    }

    #[test]
    fn settings_become_flags() {
        let flags = given(&[("beta", text("3")), ("fit", Given::Switch(true))]).unwrap();
        let names: Vec<_> = flags.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["beta", "fit"]);
        assert!(!given(&[("fit", Given::Switch(false))]).unwrap().has("fit"));
    }

    #[test]
    fn nothing_on_the_page_can_name_a_file() {
        for (name, value) in [
            ("weights", "/etc/passwd"),
            ("init", "/etc/passwd"),
            ("output", "x.png"),
            ("content", "x.png"),
            ("timelapse", "x.gif"),
            ("checkpoint", "x"),
            ("resume", "x"),
            ("frames", "%05d.png"),
            ("report", "x.html"),
            ("sweep", "content=/etc/passwd"),
            ("style-mask", "x.png"),
            ("no-such-flag", "1"),
            ("beta", "1\n2"),
        ] {
            assert!(given(&[(name, text(value))]).is_err(), "{name}={value}");
        }
        for (flag, value) in [
            ("content", "/etc/passwd"),
            ("init", "/etc/passwd"),
            ("weights", "/etc/passwd"),
            ("beta", "1,2"),
            ("overwrite", "true"),
        ] {
            let sweep = SweepAsk {
                flag: flag.into(),
                values: vec![value.into()],
            };
            assert!(swept(&sweep).is_err(), "{flag}={value}");
        }
    }

    #[test]
    fn a_name_that_another_order_waits_for_is_not_free() {
        let first = free("no-such-picture", "png", &HashSet::new());
        assert_eq!(first, Path::new("no-such-picture.png"));
        let second = free("no-such-picture", "png", &HashSet::from([first]));
        assert_eq!(second, Path::new("no-such-picture-2.png"));
    }
}
