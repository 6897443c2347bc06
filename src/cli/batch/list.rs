//! From a file or two folders to checked jobs.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::cli::jobs::{self, List, ListFormat};
use anyhow::Context;
use clap::ValueEnum;

use super::work::Work;
use crate::cli::args::BatchArgs;
use crate::cli::fault::{Usage, describe};
use crate::cli::flags::Flags;
use crate::cli::output::default_name;
use crate::cli::paint;

/// Most bytes a list may have: no list has so many, and memory is not endless.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Most faults that are told at once.
const FAULTS: usize = 20;

/// Extensions of pictures that can be read, in lower case.
const READABLE: [&str; 8] = ["bmp", "gif", "jpeg", "jpg", "png", "tif", "tiff", "webp"];

/// The jobs of a batch, all checked.
pub struct Jobs {
    /// Where they come from, for messages.
    pub name: String,
    /// The jobs, of all shards.
    pub works: Vec<Work>,
}

/// Reads and checks every job.
///
/// # Errors
///
/// Everything that is wrong with the list, as far as its flags tell.
pub fn read(args: &BatchArgs) -> anyhow::Result<Jobs> {
    let given = Flags::partial(&args.flags);
    let mut given = given.map_err(|fault| Usage(format!("after the `--`: {fault}")))?;
    if args.overwrite {
        given.set::<&str>("overwrite", &[]);
    }
    let (name, flags) = match (&args.jobs, &args.content, &args.style, &args.out) {
        (Some(path), ..) => from_list(path, args.format, given)?,
        (None, Some(photos), Some(paintings), Some(out)) => {
            ("batch".into(), pairs(photos, paintings, out, &given)?)
        }
        _ => return Err(Usage("JOBS, or --content, --style and --out, are missing".into()).into()),
    };
    let works = check(flags).map_err(|faults| refusal(&name, &faults))?;
    Ok(Jobs { name, works })
}

/// The flags of each job, or what is wrong with them.
type Candidates = Vec<Result<Flags, String>>;

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

/// A job for every photo and every painting.
fn pairs(photos: &Path, paintings: &Path, out: &Path, given: &Flags) -> anyhow::Result<Candidates> {
    let paintings = pictures("--style", paintings)?;
    let mut flags = Vec::new();
    for photo in pictures("--content", photos)? {
        for painting in &paintings {
            let mut job = given.clone();
            job.set("content", &[&photo]);
            job.set("style", &[painting]);
            job.set("output", &[out.join(default_name(&photo, painting))]);
            flags.push(Ok(job));
        }
    }
    Ok(flags)
}

/// The pictures in a folder by name; what is hidden or no picture by its extension is left out.
fn pictures(flag: &str, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = || format!("{flag} {}: the folder cannot be read", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        if !hidden && path.is_file() && READABLE.contains(&&*extension.to_ascii_lowercase()) {
            found.push(path);
        }
    }
    if found.is_empty() {
        anyhow::bail!(
            "{flag} {}: no picture is in it (named .{})",
            folder.display(),
            READABLE.join(", .")
        );
    }
    found.sort();
    Ok(found)
}

/// Every job, or everything that is wrong.
fn check(candidates: Candidates) -> Result<Vec<Work>, Vec<String>> {
    let (mut works, mut faults) = (Vec::<Work>::new(), Vec::new());
    let mut outputs = HashMap::new();
    for (flags, number) in candidates.into_iter().zip(1..) {
        let checked = flags
            .and_then(|flags| one(number, &flags))
            .and_then(|work| {
                for path in written(&work) {
                    if let Some(other) = outputs.insert(place(path), number) {
                        let path = path.display();
                        return Err(format!("writes {path}, as job {other} does"));
                    }
                }
                same_threads(works.first(), &work)?;
                Ok(work)
            });
        match checked {
            Ok(work) => works.push(work),
            Err(fault) => faults.push(format!("job {number}: {fault}")),
        }
    }
    if faults.is_empty() {
        Ok(works)
    } else {
        Err(faults)
    }
}

/// The files that a job writes and no other may.
fn written(work: &Work) -> impl Iterator<Item = &Path> {
    let out = &work.transfer.output;
    [&out.checkpoint, &out.resume, &out.timelapse, &out.frames]
        .into_iter()
        .flatten()
        .chain([&work.output])
        .map(PathBuf::as_path)
}

fn one(number: usize, flags: &Flags) -> Result<Work, String> {
    let (transfer, flags) = flags.parse()?;
    if transfer.output.sweep.is_some() {
        return Err("--sweep has its own list of values: it is no flag of a batch".into());
    }
    paint::check(&transfer).map_err(|error| describe(&error))?;
    Ok(Work::new(number, transfer, flags))
}

/// A process has one number of threads.
fn same_threads(first: Option<&Work>, work: &Work) -> Result<(), String> {
    let threads = |work: &Work| work.transfer.hardware.threads;
    let said = |work: &Work| threads(work).map_or("none".to_owned(), |n| n.to_string());
    match first {
        Some(first) if threads(first) != threads(work) => Err(format!(
            "--threads is {}, but {} in job {}: it is one number for all jobs, so give it after `--`",
            said(work),
            said(first),
            first.number
        )),
        _ => Ok(()),
    }
}

/// One name for each file, however its path is written.
fn place(output: &Path) -> PathBuf {
    let folder = match output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::canonicalize(output).unwrap_or_else(|_| match fs::canonicalize(folder) {
        Ok(folder) => folder.join(output.file_name().unwrap_or_default()),
        Err(_) => output.to_owned(),
    })
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
