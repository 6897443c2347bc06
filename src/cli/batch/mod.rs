//! `nst batch`: a list of jobs in one process, and shared between processes.

mod list;
mod work;

use std::fmt;
use std::process::ExitCode;

use anyhow::Context;

use crate::cli::args::BatchArgs;
use crate::cli::fault::describe;
use crate::cli::networks::Networks;
use crate::cli::observers::Interrupt;
use crate::cli::paint;
use crate::cli::say;
use work::Outcome;

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
        paint::set_threads(&first.transfer)?;
    }
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out)
            .with_context(|| format!("--out {}: the folder cannot be made", out.display()))?;
    }
    let mut networks = Networks::default();
    let mine = |number| args.shard.has(number);
    for work in list.works.iter().filter(|work| mine(work.number)) {
        networks.expect(&work.transfer, paint::deepest(&work.transfer)?);
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
    say::line(format_args!("batch: {tally}"));
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
            let error = describe(&error);
            say::warn(format_args!("{list}: job {number} failed: {error}"));
        }
    }
}
