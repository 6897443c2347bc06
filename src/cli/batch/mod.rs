//! `nst batch`: a list of jobs in one process, and shared between processes.

mod check;
mod list;
mod pairs;
mod tally;
mod work;

use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

use crate::cli::args::BatchArgs;
use crate::cli::fault::{Interrupted, describe};
use crate::cli::json::{json_path, print_event, print_json};
use crate::cli::networks::Networks;
use crate::cli::observers::Interrupt;
use crate::cli::paint;
use crate::cli::reports::{BatchLog, Row};
use crate::cli::say;
use list::Jobs;
use tally::Tally;
use work::{Outcome, Work};

/// What scripts read when a job ends without a picture of its own: the names are a contract.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    Skipped { output: String, reason: Outcome },
    Failed { output: String, error: String },
}

/// Paints what is on the list and in the shard.
pub fn run(args: &BatchArgs) -> anyhow::Result<ExitCode> {
    let list = list::read(args)?;
    let interrupt = Interrupt::listen()?;
    if let Some(first) = list.works.first() {
        paint::set_threads(&first.transfer)?;
    }
    make_folders(&list)?;
    let mut networks = Networks::default();
    let mine = |work: &&Work| args.shard.has(work.number);
    for work in list.works.iter().filter(mine) {
        networks.expect(&work.transfer, paint::deepest(&work.transfer)?);
    }
    let (mut tally, total) = (Tally::default(), list.works.len());
    let mut taken = Vec::new();
    let mut log = BatchLog::new(args.report.is_some());
    let claims = !args.no_claims;
    let mut paint = |work: &Work, log: &mut BatchLog| {
        work.run(total, claims, &mut networks, &interrupt, log.audience())
    };
    for work in &list.works {
        if !mine(&work) {
            tally.of_other_shards += 1;
        } else if interrupt.exit_code().is_some() {
            tally.not_begun += 1;
        } else {
            match paint(work, &mut log) {
                Ok(Outcome::Taken) => taken.push(work),
                Err(error) if error.is::<Interrupted>() => tally.not_begun += 1,
                result => settle(&mut tally, &mut log, result, &list.name, work)?,
            }
        }
    }
    // Once more: whoever had taken them may have died.
    for work in taken {
        let result = match interrupt.exit_code() {
            Some(_) => Ok(Outcome::Taken),
            None => paint(work, &mut log).or_else(|error| match error.downcast() {
                Ok(Interrupted(_)) => Ok(Outcome::Taken),
                Err(error) => Err(error),
            }),
        };
        settle(&mut tally, &mut log, result, &list.name, work)?;
    }
    summarise(&list, &tally)?;
    if let Some(path) = &args.report {
        log.write(path, &list.name, args.overwrite)?;
    }
    let code = interrupt.exit_code().unwrap_or(tally.exit_code());
    Ok(ExitCode::from(code))
}

fn make_folders(list: &Jobs) -> anyhow::Result<()> {
    for folder in &list.folders {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("{}: the folder cannot be made", folder.display()))?;
    }
    Ok(())
}

/// Counts a job and says how it ended, where the job itself has not said it.
fn settle(
    tally: &mut Tally,
    log: &mut BatchLog,
    result: anyhow::Result<Outcome>,
    list: &str,
    work: &Work,
) -> anyhow::Result<()> {
    let output = json_path(&work.output);
    log.add(row(&result, work));
    let event = match result {
        Ok(outcome) => {
            tally.count(outcome);
            let painted = matches!(outcome, Outcome::Done | Outcome::Unfinished);
            (!painted).then_some(Event::Skipped {
                output,
                reason: outcome,
            })
        }
        Err(error) => {
            tally.failed += 1;
            let (number, error) = (work.number, describe(&error));
            say::warn(format_args!("{list}: job {number} failed: {error}"));
            Some(Event::Failed { output, error })
        }
    };
    match event.filter(|_| work.transfer.output.json) {
        Some(event) => print_event(&event, work.transfer.output.part.as_ref()),
        None => Ok(()),
    }
}

/// What the report says of a job that ended.
fn row(result: &anyhow::Result<Outcome>, work: &Work) -> Row {
    let state = match result {
        Ok(Outcome::Done) => "done".to_owned(),
        Ok(Outcome::Exists) => "skipped: it was there".to_owned(),
        Ok(Outcome::Painted) => "painted by another process".to_owned(),
        Ok(Outcome::Taken) => "taken by another process".to_owned(),
        Ok(Outcome::Unfinished) => "interrupted, and saved as it was".to_owned(),
        Err(error) => describe(error),
    };
    Row {
        number: work.number,
        output: json_path(&work.output),
        state,
        failed: result.is_err(),
    }
}

fn summarise(list: &Jobs, tally: &Tally) -> anyhow::Result<()> {
    /// The names are a contract.
    #[derive(Serialize)]
    struct Summary<'a> {
        event: &'static str,
        #[serde(flatten)]
        tally: &'a Tally,
    }
    say::line(format_args!("batch: {tally}"));
    if list.works.iter().any(|work| work.transfer.output.json) {
        let event = "summary";
        print_json(&Summary { event, tally })?;
    }
    Ok(())
}
