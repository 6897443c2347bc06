//! A graphics card and the process that paints on it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use anyhow::Context;
use nst::device::Slot;

use super::lock;
use crate::cli::batch::hand::{Answer, Ended, Terms};
use crate::cli::batch::work::Work;
use crate::cli::batch::worker::{Line, Order};
use crate::cli::json::print_line;
use crate::cli::observers::Interrupt;
use crate::cli::say;

/// Failures of a card, one after another, after which it is left out.
const FAILURES: usize = 3;

/// Where orders are written, until no more are to come.
pub type Orders = Arc<Mutex<Option<ChildStdin>>>;

/// A graphics card of a batch.
pub struct Card {
    name: String,
    slot: Slot,
    pub orders: Orders,
    worker: Option<Worker>,
    /// Since the last job that did not fail for the card's sake.
    failures: usize,
}

struct Worker {
    process: Child,
    lines: BufReader<ChildStdout>,
    said: JoinHandle<()>,
}

impl Card {
    /// The card of this number.
    pub fn new((number, slot): (usize, Slot)) -> Self {
        Self {
            name: format!("gpu {number}"),
            slot,
            orders: Orders::default(),
            worker: None,
            failures: 0,
        }
    }

    /// Whether it has failed too often.
    pub fn is_out(&self) -> bool {
        self.failures >= FAILURES
    }

    /// Does jobs until there are none, or the card fails too often and others are `left`.
    pub fn serve<'a>(
        &mut self,
        next: &(dyn Fn() -> Option<&'a Work> + Sync),
        terms: Terms,
        interrupt: &Interrupt,
        left: &AtomicUsize,
        send: &Sender<(&'a Work, Answer)>,
    ) {
        while !self.is_out()
            && let Some(work) = next()
        {
            let answer = self.paint(work, terms, interrupt);
            self.judge(&answer, left);
            // The other end waits for the last of us.
            let _ = send.send((work, answer));
        }
    }

    /// Does one job.
    fn paint(&mut self, work: &Work, terms: Terms, interrupt: &Interrupt) -> Answer {
        if interrupt.exit_code().is_some() {
            return Ended::NotBegun.into();
        }
        let order = Order {
            number: work.number,
            flags: work.flags.clone(),
            seen: work.seen,
            terms,
        };
        let error = match self.answered(&order) {
            Ok(answer) => return answer,
            // A signal may end it before it listens.
            Err(_) if interrupt.exit_code().is_some() => return Ended::NotBegun.into(),
            Err(error) => error,
        };
        let error = format!("{}: {error:#}", self.name);
        let device = true;
        Ended::Failed { error, device }.into()
    }

    /// Counts failures. After each, the next job gets a new process: a card that is lost stays so for
    /// its old one.
    fn judge(&mut self, answer: &Answer, left: &AtomicUsize) {
        if !matches!(answer.ended, Ended::Failed { device: true, .. }) {
            self.failures = 0;
            return;
        }
        self.dismiss();
        self.failures += 1;
        let order = Ordering::Relaxed;
        let others = |left: usize| left.checked_sub(1).filter(|others| *others > 0);
        if self.is_out() && left.fetch_update(order, order, others).is_err() {
            self.failures = 0;
        } else if self.is_out() {
            let name = &self.name;
            say::warn(format_args!(
                "{name}: left out after {FAILURES} failures in a row"
            ));
        }
    }

    /// Sends an order and waits for its answer. What else the worker prints is passed on.
    fn answered(&mut self, order: &Order) -> anyhow::Result<Answer> {
        let worker = match &mut self.worker {
            Some(worker) => worker,
            none => none.insert(Worker::start(self.slot, &self.name, &self.orders)?),
        };
        let mut text = serde_json::to_vec(order)?;
        text.push(b'\n');
        if let Some(orders) = &mut *lock(&self.orders) {
            // A worker that is gone says so at once.
            let _ = orders.write_all(&text);
        }
        loop {
            let mut line = Vec::new();
            worker.lines.read_until(b'\n', &mut line)?;
            if !line.ends_with(b"\n") {
                let status = worker.process.wait()?;
                anyhow::bail!("the process that painted there ended ({status}) and kept nothing");
            }
            match serde_json::from_slice(&line) {
                Ok(Line { answer }) => return Ok(answer),
                Err(_) => print_line(&line)?,
            }
        }
    }

    /// Ends the worker, once it has saved what it has.
    fn dismiss(&mut self) {
        drop(lock(&self.orders).take());
        if let Some(Worker {
            mut process,
            lines,
            said,
        }) = self.worker.take()
        {
            drop(lines);
            let _ = process.wait();
            let _ = said.join();
        }
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        self.dismiss();
    }
}

impl Worker {
    fn start(slot: Slot, name: &str, orders: &Orders) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("nst cannot find its own program")?;
        let mut process = Command::new(program)
            .args(["batch-worker", &slot.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("no process starts for it")?;
        *lock(orders) = process.stdin.take();
        let pipes = process.stdout.take().zip(process.stderr.take());
        let (lines, errors) = pipes.context("its process has no output")?;
        let name = name.to_owned();
        Ok(Self {
            process,
            lines: BufReader::new(lines),
            said: thread::spawn(move || pass_on(errors, &name)),
        })
    }
}

/// Says what a worker says, and where.
fn pass_on(errors: ChildStderr, name: &str) {
    let lines = BufReader::new(errors).split(b'\n').map_while(Result::ok);
    for line in lines {
        let line = String::from_utf8_lossy(&line);
        say::line(format_args!("{name}: {}", line.trim_end()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Card {
        Card::new((0, Slot::Best))
    }

    fn failed(device: bool) -> Answer {
        let error = "the device is lost".to_owned();
        Ended::Failed { error, device }.into()
    }

    #[test]
    fn a_card_that_fails_again_and_again_is_left_out_but_never_the_last() {
        let (left, mut cards) = (AtomicUsize::new(2), [card(), card()]);
        for card in &mut cards {
            for _ in 0..FAILURES {
                assert!(!card.is_out());
                card.judge(&failed(true), &left);
            }
        }
        assert_eq!(cards.map(|card| card.is_out()), [true, false]);
    }

    #[test]
    fn a_failure_for_another_reason_is_no_fault_of_the_card() {
        let (left, mut card) = (AtomicUsize::new(2), card());
        for device in [true, true, false, true, true] {
            card.judge(&failed(device), &left);
        }
        assert!(!card.is_out());
    }
}
