//! Everything that can be wrong with a list of jobs, told before the first one is painted.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nst::device::Backend;
use nst::files;

use super::work::Work;
use crate::cli::args::BatchArgs;
use crate::cli::fault::{Usage, describe};
use crate::cli::flags::Flags;
use crate::cli::outputs::check_page;
use crate::cli::{inputs, paint};

/// The flags of each job, or what is wrong with them.
pub type Candidates = Vec<Result<Flags, String>>;

/// Jobs that can be done, and the folders to make for them.
pub struct Checked {
    pub works: Vec<Work>,
    pub folders: BTreeSet<PathBuf>,
}

/// Every job, or everything that is wrong. The folder `out` may be missing, with those around it.
pub fn check(candidates: Candidates, out: Option<&Path>) -> Result<Checked, Vec<String>> {
    let mut faults = Vec::new();
    let mut works: Vec<Work> = Vec::new();
    let mut writers = HashMap::new();
    for (flags, number) in candidates.into_iter().zip(1..) {
        let checked = flags
            .and_then(|flags| one(number, &flags))
            .and_then(|work| {
                only_writer(&work, &mut writers)?;
                same_threads(works.first(), &work)?;
                Ok(work)
            });
        match checked {
            Ok(work) => works.push(work),
            Err(fault) => faults.push(format!("job {number}: {fault}")),
        }
    }
    let mut folders = BTreeSet::new();
    for work in &works {
        let (inputs, missing) = (inputs_of(work), missing(work));
        let read = inputs.iter().filter_map(|path| reads(path, work, &writers));
        let found = read.chain(missing).chain(folder(work, out, &mut folders));
        faults.extend(found.map(|fault| format!("job {}: {fault}", work.number)));
    }
    if faults.is_empty() {
        Ok(Checked { works, folders })
    } else {
        Err(faults)
    }
}

/// Checks that the page of a batch can be written: it is no file that a job reads or writes, nor the
/// list.
///
/// # Errors
///
/// The first reason why not, with the flag.
pub fn check_report(page: &Path, args: &BatchArgs, works: &[Work]) -> anyhow::Result<()> {
    check_page(page).context("--report")?;
    for work in works {
        let inputs = inputs_of(work);
        let mut named = inputs.iter().map(PathBuf::as_path);
        let mut written = work.flags.written().into_iter().chain([&*work.output]);
        if named.any(|path| files::same_place(path, page))
            || written.any(|path| files::same_place(path, page))
        {
            return Err(Usage(format!(
                "--report, {}: job {} reads or writes this file; name another",
                page.display(),
                work.number
            ))
            .into());
        }
    }
    let list: Vec<_> = args.jobs.as_deref().into_iter().collect();
    files::check_place(page, &list, args.overwrite).context("--report")
}

/// Refuses jobs that choose where they are painted: each gets the card that is free.
///
/// # Errors
///
/// The first that does, with its flag.
pub fn check_cards(works: &[Work]) -> Result<(), Usage> {
    for work in works {
        let hardware = &work.transfer.hardware;
        let chosen = match &hardware.device {
            Some(card) => format!("--device {card}"),
            None if hardware.backend != Backend::Gpu => format!("--backend {}", hardware.backend),
            None => continue,
        };
        return Err(Usage(format!(
            "--devices: job {} has {chosen}, but each gets the card that is free: leave it out",
            work.number
        )));
    }
    Ok(())
}

fn one(number: usize, flags: &Flags) -> Result<Work, String> {
    let (transfer, flags) = flags.parse()?;
    if transfer.output.sweep.is_some() {
        return Err("--sweep has its own list of values: it is no flag of a batch".into());
    }
    let pictures = inputs::pictures(&transfer).map_err(|error| error.0)?;
    if pictures
        .iter()
        .chain(&transfer.pictures.output)
        .any(|path| inputs::is_pipe(path))
    {
        return Err("- is standard input or output: a batch reads and writes files".into());
    }
    paint::check(&transfer).map_err(|error| describe(&error))?;
    Ok(Work::new(number, transfer, flags))
}

/// Refuses a file that an earlier job writes too.
fn only_writer(work: &Work, writers: &mut HashMap<PathBuf, usize>) -> Result<(), String> {
    let mut written = work.flags.written();
    if !written.contains(&work.output.as_path()) {
        written.push(&work.output);
    }
    for path in written {
        if let Some(other) = writers.insert(place(path), work.number)
            && other != work.number
        {
            return Err(format!("writes {}, as job {other} does", path.display()));
        }
    }
    Ok(())
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

fn inputs_of(work: &Work) -> Vec<PathBuf> {
    // Whether they can be named was found out when the job was checked by itself.
    inputs::files(&work.transfer).unwrap_or_default()
}

/// What is wrong with an input that another job would write over.
fn reads(input: &Path, work: &Work, writers: &HashMap<PathBuf, usize>) -> Option<String> {
    let writer = writers.get(&place(input)).filter(|&&n| n != work.number)?;
    let input = input.display();
    Some(format!(
        "reads {input}, which job {writer} writes: make it with a list of its own first"
    ))
}

/// The inputs that are not there. A job that is done already needs none.
fn missing(work: &Work) -> Vec<String> {
    if work.is_there() && !work.transfer.output.overwrite {
        return Vec::new();
    }
    let fault = |path: PathBuf| match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => Some(format!("{}: is a folder", path.display())),
        Ok(_) => None,
        Err(error) => Some(format!("{}: cannot be read: {error}", path.display())),
    };
    inputs_of(work).into_iter().filter_map(fault).collect()
}

/// What is wrong with the folder of a job's result, which is made if only it is missing.
fn folder(work: &Work, out: Option<&Path>, make: &mut BTreeSet<PathBuf>) -> Option<String> {
    let folder = folder_of(&work.output);
    if folder.is_dir() {
        let checked = files::check_place(&work.output, &[], true);
        return checked.err().map(|error| error.to_string());
    }
    let there = fs::symlink_metadata(folder).is_ok();
    if !there && (out == Some(folder) || folder_of(folder).is_dir()) {
        make.insert(folder.to_owned());
        return None;
    }
    let (output, folder) = (work.output.display(), folder.display());
    Some(if there {
        format!("{output}: {folder} is not a folder")
    } else {
        format!("{output}: neither the folder {folder} nor the one around it is there")
    })
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// One name for each file, however its path is written.
fn place(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| match fs::canonicalize(folder_of(path)) {
        Ok(folder) => folder.join(path.file_name().unwrap_or_default()),
        Err(_) => path.to_owned(),
    })
}
