//! `nst batch`: a list of jobs in one process, and shared between processes.

mod check;
mod crew;
mod hand;
mod list;
mod pairs;
mod tally;
mod work;
mod worker;

use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

use crate::cli::args::BatchArgs;
use crate::cli::json::{json_path, print_event, print_json};
use crate::cli::observers::Interrupt;
use crate::cli::reports::{BatchLog, Row};
use crate::cli::say;
use crate::cli::{devices, paint};
use crew::Crew;
use hand::{Answer, Ended, Hand, Terms};
use list::Jobs;
use tally::Tally;
use work::{Outcome, Work};

pub use worker::run as work_for_a_parent;

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
    let mine = list.works.iter().filter(|work| args.shard.has(work.number));
    let mine: Vec<_> = mine.collect();
    let mut painters = Painters::of(args, &list, &mine)?;
    make_folders(&list)?;
    let mut ledger = Ledger::default();
    ledger.tally.of_other_shards = list.works.len() - mine.len();
    let mut taken = Vec::new();
    painters.paint(&mine, &interrupt, &mut |work, answer| match answer.ended {
        Ended::As(Outcome::Taken) => {
            taken.push(work);
            Ok(())
        }
        _ => ledger.settle(&list.name, work, answer),
    })?;
    // Once more: whoever had taken them may have died.
    painters.paint(&taken, &interrupt, &mut |work, answer| {
        let answer = match answer.ended {
            Ended::NotBegun => Ended::As(Outcome::Taken).into(),
            _ => answer,
        };
        ledger.settle(&list.name, work, answer)
    })?;
    summarise(&list, &ledger.tally)?;
    let code = ledger.tally.exit_code();
    if let Some(path) = &args.report {
        ledger.log.write(path, &list.name, args.overwrite)?;
    }
    Ok(ExitCode::from(interrupt.exit_code().unwrap_or(code)))
}

/// Who paints.
enum Painters {
    /// This process.
    Own(Box<Hand>, Terms),
    /// A process on each of several graphics cards.
    Crew(Crew),
}

impl Painters {
    fn of(args: &BatchArgs, list: &Jobs, mine: &[&Work]) -> anyhow::Result<Self> {
        let terms = Terms {
            total: list.works.len(),
            claims: !args.no_claims,
            report: args.report.is_some(),
        };
        if !args.devices.is_empty() {
            let cards = devices::several(&args.devices).context("--devices")?;
            return Ok(Self::Crew(Crew::new(cards, terms)));
        }
        if let Some(first) = list.works.first() {
            paint::set_threads(&first.transfer)?;
        }
        let mut hand = Hand::default();
        for work in mine {
            hand.expect(work)?;
        }
        Ok(Self::Own(Box::new(hand), terms))
    }

    /// Does the jobs and tells how each ended.
    fn paint<'a>(
        &mut self,
        works: &[&'a Work],
        interrupt: &Interrupt,
        told: &mut dyn FnMut(&'a Work, Answer) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Own(hand, terms) => works
                .iter()
                .try_for_each(|work| told(work, hand.paint(work, *terms, interrupt))),
            Self::Crew(crew) => crew.paint(works, interrupt, told),
        }
    }
}

fn make_folders(list: &Jobs) -> anyhow::Result<()> {
    for folder in &list.folders {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("{}: the folder cannot be made", folder.display()))?;
    }
    Ok(())
}

/// How the jobs ended.
#[derive(Default)]
struct Ledger {
    tally: Tally,
    log: BatchLog,
}

impl Ledger {
    /// Counts a job and says how it ended, where the job itself has not said it.
    fn settle(&mut self, list: &str, work: &Work, answer: Answer) -> anyhow::Result<()> {
        let output = json_path(&work.output);
        let Answer { ended, record } = answer;
        if let Some(row) = row(&ended, work) {
            self.log.add(row, record);
        }
        let event = match ended {
            Ended::NotBegun => {
                self.tally.not_begun += 1;
                None
            }
            Ended::As(outcome) => {
                self.tally.count(outcome);
                let painted = matches!(outcome, Outcome::Done | Outcome::Unfinished);
                (!painted).then_some(Event::Skipped {
                    output,
                    reason: outcome,
                })
            }
            Ended::Failed { error, .. } => {
                self.tally.failed += 1;
                let number = work.number;
                say::warn(format_args!("{list}: job {number} failed: {error}"));
                Some(Event::Failed { output, error })
            }
        };
        match event.filter(|_| work.transfer.output.json) {
            Some(event) => print_event(&event, work.transfer.output.part.as_ref()),
            None => Ok(()),
        }
    }
}

/// What the report says of a job that ended; nothing of one that did not begin.
fn row(ended: &Ended, work: &Work) -> Option<Row> {
    let state = match ended {
        Ended::As(Outcome::Done) => "done",
        Ended::As(Outcome::Exists) => "skipped: it was there",
        Ended::As(Outcome::Painted) => "painted by another process",
        Ended::As(Outcome::Taken) => "taken by another process",
        Ended::As(Outcome::Unfinished) => "interrupted, and saved as it was",
        Ended::Failed { error, .. } => error,
        Ended::NotBegun => return None,
    };
    Some(Row {
        number: work.number,
        output: json_path(&work.output),
        state: state.to_owned(),
        failed: matches!(ended, Ended::Failed { .. }),
    })
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
