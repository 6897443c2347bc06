//! From a file or two folders to checked jobs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;

use super::check::{Candidates, Checked, check, check_cards, check_report};
use super::pairs::pairs;
use super::work::Work;
use crate::cli::args::BatchArgs;
use crate::cli::fault::Usage;
use crate::cli::flags::Flags;
use crate::cli::jobs::{self, List, ListFormat};

/// Most bytes a list may have: no list has so many, and memory is not endless.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Most faults that are told at once.
const FAULTS: usize = 20;

/// The jobs of a batch, all checked.
pub struct Jobs {
    /// Where they come from, for messages.
    pub name: String,
    /// The jobs, of all shards.
    pub works: Vec<Work>,
    /// Folders for their results that are not there yet.
    pub folders: BTreeSet<PathBuf>,
}

/// Reads and checks every job.
///
/// # Errors
///
/// Everything that is wrong with the list, as far as its flags tell.
pub fn read(args: &BatchArgs) -> anyhow::Result<Jobs> {
    let given = Flags::partial(&args.flags);
    let mut given = given.map_err(|fault| Usage(format!("after the `--`: {fault}")))?;
    if !args.devices.is_empty() && !given.has("backend") {
        given.set("backend", &["gpu"]);
    }
    if args.overwrite {
        given.set::<&str>("overwrite", &[]);
    }
    let (name, flags) = match (&args.jobs, &args.content, &args.style, &args.out) {
        (Some(path), ..) => from_list(path, args.format, given)?,
        (None, Some(photos), Some(paintings), Some(out)) => {
            let jobs = pairs(photos, paintings, out, given)?;
            ("batch".into(), jobs.into_iter().map(Ok).collect())
        }
        _ => return Err(Usage("JOBS, or --content, --style and --out, are missing".into()).into()),
    };
    let checked = check(flags, args.out.as_deref());
    let Checked { works, folders } = checked.map_err(|faults| refusal(&name, &faults))?;
    if !args.devices.is_empty() {
        check_cards(&works)?;
    }
    if let Some(page) = &args.report {
        check_report(page, args, &works)?;
    }
    Ok(Jobs {
        name,
        works,
        folders,
    })
}

fn from_list(
    path: &Path,
    format: Option<ListFormat>,
    given: Flags,
) -> anyhow::Result<(String, Candidates)> {
    let (name, text) = text(path)?;
    let extension = path.extension().and_then(|e| e.to_str());
    let named = extension.and_then(|e| ListFormat::from_str(e, true).ok());
    let format = format.or(named).unwrap_or_else(|| ListFormat::guess(&text));
    let usage = |fault: String| Usage(format!("{name}: {fault}"));
    let List { defaults, jobs } =
        jobs::parse(&text, format).map_err(|error| usage(error.to_string()))?;
    let defaults = Flags::default()
        .with(&defaults)
        .map_err(|fault| usage(format!("[defaults]: {fault}")))?
        .overlaid(given);
    let flags = jobs.iter().map(|job| defaults.with(job)).collect();
    Ok((name, flags))
}

/// A list's name and text.
fn text(path: &Path) -> anyhow::Result<(String, String)> {
    let (name, source): (_, Box<dyn Read>) = if path == Path::new("-") {
        ("standard input".into(), Box::new(io::stdin()))
    } else {
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("{name}: cannot be read"))?;
        (name, Box::new(file))
    };
    let mut bytes = Vec::new();
    source
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{name}: cannot be read"))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Usage(format!("{name}: longer than 64 MiB, so no list of jobs")).into());
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Usage(format!("{name}: not UTF-8 text, so no list of jobs")))?;
    Ok((name, text))
}

fn refusal(name: &str, faults: &[String]) -> Usage {
    let mut text = format!("{name}: nothing is painted, because of");
    // Writing to a String cannot fail.
    for fault in faults.iter().take(FAULTS) {
        let _ = write!(text, "\n  {fault}");
    }
    if let Some(more) = faults.len().checked_sub(FAULTS).filter(|more| *more > 0) {
        let _ = write!(text, "\n  and {more} more");
    }
    Usage(text)
}
