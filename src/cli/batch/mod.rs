//! `nst batch`: a list of jobs in one process, and shared between processes.

mod list;
mod shard;
mod work;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use nst::jobs::Format;

use super::networks::Networks;
use super::signals::Interrupt;
use super::{describe, transfer};
use shard::Shard;
use work::Outcome;

const EXAMPLES: &str = "\
Examples:
  nst batch jobs.toml
  nst batch --content photos --style paintings --out results -- --size 1024
  nst batch jobs.csv --shard 2/8 -- --threads 4 --quiet

A list names flags as `nst --help` does, without the dashes; paths in it count from the current
folder. In TOML each job is a table [[job]], and [defaults] holds for all of them; in CSV each job
is a row under a row that names the flags. What exists is skipped. Several processes may work on one
list: each picture is painted by one of them. Exit code: 0 if no job failed, 1 if one did.";

/// Paint a list of jobs, or every photo in the style of every painting.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BatchArgs {
    /// The list of jobs: a .toml or .csv file, or - for standard input
    #[arg(
        value_name = "JOBS",
        required_unless_present = "content",
        conflicts_with_all = ["content", "style", "out"]
    )]
    jobs: Option<PathBuf>,

    /// Paint every photo in this folder
    #[arg(short, long, value_name = "DIR", requires = "style", requires = "out")]
    content: Option<PathBuf>,

    /// In the style of every painting in this folder
    #[arg(short, long, value_name = "DIR", requires = "content")]
    style: Option<PathBuf>,

    /// Into this folder, each named after both
    #[arg(short, long, value_name = "DIR", requires = "content")]
    out: Option<PathBuf>,

    /// How the list is written [default: as its name or its first line tells]
    #[arg(long, value_name = "toml|csv", requires = "jobs")]
    format: Option<Format>,

    /// Do only every Nth job, from the Kth on: 1/3, 2/3 and 3/3 share the list
    #[arg(long, value_name = "K/N", default_value_t)]
    shard: Shard,

    /// Paint again what exists
    #[arg(long)]
    overwrite: bool,

    /// Claim no outputs, for a file system without locks: let no two processes have the same jobs
    #[arg(long)]
    no_claims: bool,

    /// Flags of every job that does not give them itself, over those of [defaults]
    #[arg(last = true, value_name = "FLAGS")]
    flags: Vec<OsString>,
}

/// How many jobs ended how.
#[derive(Debug, Default)]
struct Tally {
    done: usize,
    skipped: usize,
    failed: usize,
    taken: usize,
    others: usize,
    unfinished: usize,
    left: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            done,
            skipped,
            failed,
            ..
        } = self;
        write!(f, "{done} done, {skipped} skipped, {failed} failed")?;
        for (count, what) in [
            (self.taken, "taken by another"),
            (self.others, "of other shards"),
            (self.unfinished, "unfinished"),
            (self.left, "not begun"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// Paints what is on the list and in the shard.
pub fn run(args: &BatchArgs) -> anyhow::Result<ExitCode> {
    let list = list::read(args)?;
    let interrupt = Interrupt::listen()?;
    if let Some(first) = list.works.first() {
        transfer::set_threads(&first.transfer)?;
    }
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out)
            .with_context(|| format!("--out {}: the folder cannot be made", out.display()))?;
    }
    let mut networks = Networks::default();
    let mine = |number| args.shard.has(number);
    for work in list.works.iter().filter(|work| mine(work.number)) {
        networks.expect(&work.transfer, transfer::deepest(&work.transfer)?);
    }
    let (mut tally, total) = (Tally::default(), list.works.len());
    for work in list.works {
        if !mine(work.number) {
            tally.others += 1;
        } else if interrupt.exit_code().is_some() {
            tally.left += 1;
        } else {
            let result = work.run(total, !args.no_claims, &mut networks, &interrupt);
            count(&mut tally, result, &list.name, work.number);
        }
    }
    eprintln!("batch: {tally}");
    let failed = u8::from(tally.failed > 0);
    Ok(ExitCode::from(interrupt.exit_code().unwrap_or(failed)))
}

fn count(tally: &mut Tally, result: anyhow::Result<Outcome>, list: &str, number: usize) {
    match result {
        Ok(Outcome::Done) => tally.done += 1,
        Ok(Outcome::Skipped) => tally.skipped += 1,
        Ok(Outcome::Taken) => tally.taken += 1,
        Ok(Outcome::Unfinished) => tally.unfinished += 1,
        Err(error) => {
            tally.failed += 1;
            eprintln!("nst: {list}: job {number} failed: {}", describe(&error));
        }
    }
}
