use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use nst::{Draw, Observer, ObserverError, Picture, Step};

use crate::cli::output::Target;

/// Least time between two pictures that are kept.
const PAUSE: Duration = Duration::from_secs(5);
/// Keeping them may take one part in so many of the time.
const SHARE: u32 = 100;

/// Keeps the picture of a little while ago out of the graphics card's memory, which is gone when the
/// card is.
pub struct Rescue {
    next: Instant,
    kept: Option<(usize, Picture)>,
}

impl Rescue {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            next: Instant::now(),
            kept: None,
        }
    }

    /// Saves what is kept, after the card failed with this error, which then says so.
    pub fn save(self, error: nst::Error, target: &Target) -> anyhow::Error {
        let Some((step, picture)) = self.kept else {
            return error.into();
        };
        if let Err(fault) = target.save(&picture, Some(step)) {
            return fault.context(error);
        }
        let path = target.path().display();
        anyhow::Error::from(error).context(format!("{path} is the picture after step {step}"))
    }
}

impl Observer for Rescue {
    fn step(&mut self, step: &Step<'_>, draw: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        let start = Instant::now();
        if start >= self.next {
            self.kept = Some((step.done, draw()?));
            self.next = start + PAUSE.max(start.elapsed() * SHARE);
        }
        Ok(ControlFlow::Continue(()))
    }
}
