//! Several graphics cards on one list, each with a worker process.

mod card;

use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nst::device::Slot;

use super::hand::{Answer, Terms};
use super::work::Work;
use crate::cli::observers::Interrupt;
use card::Card;

/// How soon a signal is seen.
const PAUSE: Duration = Duration::from_millis(50);

/// The cards of a batch.
pub struct Crew {
    cards: Vec<Card>,
    terms: Terms,
}

impl Crew {
    /// A crew on these cards, numbered; one that is there twice gets two workers.
    pub fn new(cards: Vec<(usize, Slot)>, terms: Terms) -> Self {
        let cards = cards.into_iter().map(Card::new).collect();
        Self { cards, terms }
    }

    /// Does all of these jobs, each on the next card that is free, and tells how each ended. After a
    /// signal, or a failure to tell, the workers save the pictures at hand.
    ///
    /// # Errors
    ///
    /// The first failure to tell.
    pub fn paint<'a>(
        &mut self,
        works: &[&'a Work],
        interrupt: &Interrupt,
        told: &mut dyn FnMut(&'a Work, Answer) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let queue = Mutex::new(works.iter().copied());
        let next = || lock(&queue).next();
        let orders: Vec<_> = self.cards.iter().map(|card| card.orders.clone()).collect();
        let left = AtomicUsize::new(self.cards.iter().filter(|card| !card.is_out()).count());
        let (terms, mut result) = (self.terms, Ok(()));
        thread::scope(|scope| {
            let (send, answers) = channel();
            for card in &mut self.cards {
                let (send, next, left) = (send.clone(), &next, &left);
                scope.spawn(move || card.serve(next, terms, interrupt, left, &send));
            }
            drop(send);
            loop {
                match answers.recv_timeout(PAUSE) {
                    Ok((work, answer)) if result.is_ok() => result = told(work, answer),
                    Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                if result.is_err() {
                    while next().is_some() {}
                }
                if result.is_err() || interrupt.exit_code().is_some() {
                    for orders in &orders {
                        drop(lock(orders).take());
                    }
                }
            }
        });
        result
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
