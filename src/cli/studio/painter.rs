//! The thread that paints: one job after another.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::job::Status;
use super::state::Studio;
use super::watch::Watch;
use crate::cli::fault::{Interrupted, Usage, describe};
use crate::cli::flags::Flags;
use crate::cli::networks::Networks;
use crate::cli::observers::Interrupt;
use crate::cli::output::Target;
use crate::cli::paint::{self, Outcome};
use crate::cli::{say, sweep};

/// Paints until the studio closes.
pub fn work(studio: &Studio, interrupt: &Interrupt) {
    let mut networks = Networks::default();
    let mut fetched = studio.look().network.fetched;
    while let Some((id, flags)) = studio.next(interrupt) {
        let now = studio.look().network.fetched;
        if now != fetched {
            // The next job is to have what came.
            networks = Networks::default();
            fetched = now;
        }
        let painted = catch_unwind(AssertUnwindSafe(|| {
            paint_one(studio, id, &flags, &mut networks, interrupt)
        }));
        let (status, error) = match painted {
            Ok(Ok(status)) => (status, None),
            Ok(Err(error)) if error.is::<Interrupted>() => (Status::Stopped, None),
            Ok(Err(error)) => (Status::Failed, Some(describe(&error))),
            Err(_) => {
                networks = Networks::default();
                let text = "this is a fault of nst: the terminal says more";
                (Status::Failed, Some(text.to_owned()))
            }
        };
        tell(studio, id, status, error.as_deref());
        studio.settle(id, status, error);
    }
}

fn tell(studio: &Studio, id: u32, status: Status, error: Option<&str>) {
    let name = studio.look().job(id).map(|job| job.shown.name.clone());
    let name = name.unwrap_or_default();
    match (status, error) {
        (_, Some(error)) => say::warn(format_args!("{name}: {error}")),
        (Status::Done, None) => say::line(format_args!("{name}: painted")),
        (_, None) => say::line(format_args!("{name}: saved before its last step")),
    }
}

/// The way of a command line, with the page as its audience.
fn paint_one(
    studio: &Studio,
    id: u32,
    flags: &Flags,
    networks: &mut Networks,
    interrupt: &Interrupt,
) -> anyhow::Result<Status> {
    let (mut transfer, flags) = flags.parse().map_err(Usage)?;
    transfer.output.quiet = true;
    let mut watch = Watch::new(studio, id, interrupt);
    if let Some(sweep) = transfer.output.sweep.clone() {
        sweep::check(&transfer, &flags)?;
        let diverged =
            sweep::paint_sheet(&sweep, &transfer, &flags, networks, interrupt, &mut watch)?;
        let stopped = studio.look().job(id).is_some_and(|job| job.stop);
        return Ok(match (diverged, stopped) {
            (true, _) => Status::Diverged,
            (false, true) => Status::Stopped,
            (false, false) => Status::Done,
        });
    }
    paint::check(&transfer)?;
    let target = Target::new(&transfer, false)?;
    let outcome = paint::paint(&transfer, &flags, target, networks, interrupt, &mut watch)?;
    Ok(match outcome {
        Outcome::Finished => Status::Done,
        Outcome::Stopped { .. } => Status::Stopped,
        Outcome::Diverged { .. } => Status::Diverged,
    })
}
