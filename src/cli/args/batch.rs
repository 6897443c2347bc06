use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::Shard;
use crate::cli::jobs::ListFormat;

const EXAMPLES: &str = "\
Examples:
  nst batch jobs.toml
  nst batch --content photos --style paintings --out results -- --size 1024
  nst batch jobs.csv --shard 2/8 -- --threads 4 --quiet
  nst batch jobs.toml --devices all

A list names flags as `nst --help` does, without the dashes; paths in it count from the current
folder. In TOML each job is a table [[job]], and [defaults] holds for all of them; in CSV each job
is a row under a row that names the flags, and `;` separates several values in a cell. All jobs are
checked first: inputs that are missing, results that are inputs of another job, folders. The folder
of a result is made if the one around it is there. What exists is skipped; what was interrupted, or
whose loss exploded, is painted again. Several processes may work on one list: each picture is
painted by one of them, and those that another had taken are looked at once more at the end.

With --devices, a process of its own paints on each card, and a card that is named twice gets two. A
card that fails ends its picture alone; after three in a row it is left out, unless it is the last.

Exit code: 0 if no job failed; 1 if one did; 2 if the list is wrong and nothing is painted; 3 if no
job failed, but other processes still had some in hand at the end: run it again when they are done.";

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
    pub jobs: Option<PathBuf>,

    /// Paint every photo in this folder
    #[arg(short, long, value_name = "DIR", requires = "style", requires = "out")]
    pub content: Option<PathBuf>,

    /// In the style of every painting in this folder
    #[arg(short, long, value_name = "DIR", requires = "content")]
    pub style: Option<PathBuf>,

    /// Into this folder, each named after both
    #[arg(short, long, value_name = "DIR", requires = "content")]
    pub out: Option<PathBuf>,

    /// How the list is written [default: as its name or its first line tells]
    #[arg(long, value_name = "toml|csv", requires = "jobs")]
    pub format: Option<ListFormat>,

    /// Do only every Nth job, from the Kth on: 1/3, 2/3 and 3/3 share the list
    #[arg(long, value_name = "K/N", default_value_t)]
    pub shard: Shard,

    /// Paint on several graphics cards at once, a picture on each: all that are real, or those of
    /// these numbers or names in `nst devices`, such as 0,1
    #[arg(long, value_name = "all|N,NAME", value_delimiter = ',')]
    pub devices: Vec<String>,

    /// Paint again what exists
    #[arg(long)]
    pub overwrite: bool,

    /// Also write a page with all of them: a table that sorts, with thumbnails, failures first
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Claim no outputs, for a file system without locks: let no two processes have the same jobs
    #[arg(long)]
    pub no_claims: bool,

    /// Flags of every job that does not give them itself, over those of [defaults]
    #[arg(last = true, value_name = "FLAGS")]
    pub flags: Vec<OsString>,
}
