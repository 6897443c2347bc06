//! A process that paints on one graphics card what its parent sends: a crash in the card's driver ends
//! it alone.
//!
//! Each line of its standard input is an [`Order`]. It answers each by a line of its own, after lines
//! of events as any batch prints them. When its input ends, because the parent wants it to or is gone,
//! it saves the picture at hand and ends.

use std::io::{self, BufRead};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::SystemTime;

use nst::device::Slot;
use serde::{Deserialize, Serialize};

use super::hand::{Answer, Hand, Terms};
use super::work::Work;
use crate::cli::flags::Flags;
use crate::cli::json::print_json;
use crate::cli::observers::Interrupt;
use crate::cli::{devices, paint};

/// A job for a worker.
#[derive(Debug, Deserialize, Serialize)]
pub struct Order {
    pub number: usize,
    pub flags: Flags,
    pub seen: Option<SystemTime>,
    pub terms: Terms,
}

/// The line that is no event.
#[derive(Debug, Deserialize, Serialize)]
pub struct Line {
    pub answer: Answer,
}

/// Paints what comes, until nothing more does.
pub fn run(slot: Slot) -> anyhow::Result<ExitCode> {
    devices::prefer(slot);
    let interrupt = Interrupt::listen()?;
    let mut hand: Option<Hand> = None;
    for order in orders(&interrupt) {
        let (transfer, flags) = order.flags.parse().map_err(anyhow::Error::msg)?;
        let work = Work {
            seen: order.seen,
            ..Work::new(order.number, transfer, flags)
        };
        let hand = match &mut hand {
            Some(hand) => hand,
            none => {
                paint::set_threads(&work.transfer)?;
                none.insert(Hand::default())
            }
        };
        let answer = hand.paint(&work, order.terms, &interrupt);
        print_json(&Line { answer })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The orders as they come; their end interrupts the work.
fn orders(interrupt: &Interrupt) -> Receiver<Order> {
    let (send, orders) = channel();
    let interrupt = interrupt.clone();
    thread::spawn(move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        let sent = |line: String| send.send(serde_json::from_str(&line).ok()?).ok();
        lines.map_while(sent).for_each(drop);
        interrupt.stop();
    });
    orders
}
