use bytesize::ByteSize;
use nst::device::Backend;
use nst::job::{InputSizes, Plan};
use nst::memory::{Bounds, Fitted};
use nst::{Job, JobError, memory};

use crate::cli::args::Hardware;
use crate::cli::devices;

/// The plan of a job that fits into the memory there is: as it is, or in tiles, or with less history
/// of L-BFGS, which a line says; with `--fit`, of a smaller picture. `backend` is the one that
/// computes.
///
/// What memory a graphics card has of its own its interface does not tell: there, only the largest buffer
/// is bounded, and what is used where `--max-memory` says so. Nor is it tried out: what a driver grants
/// is not what there is (benches/README.md), and whoever takes all of a card takes it from others.
///
/// # Errors
///
/// A setting that cannot be, or a job too large for the memory.
pub fn plan(
    args: &Hardware,
    backend: Backend,
    job: &mut Job,
    inputs: &InputSizes,
    note: &dyn Fn(&str),
) -> Result<Plan, JobError> {
    let plan = job.plan(inputs)?;
    let limit = limit(args, backend);
    let (card, memory) = if backend == Backend::Gpu {
        (limit, None)
    } else {
        (None, limit)
    };
    let bounds = Bounds {
        memory,
        card,
        buffer: devices::card(args, backend).map(|card| card.largest_buffer),
    };
    let room = limit.or(bounds.buffer).map_or("unknown".into(), said);
    let mut fitted = memory::fitted(job, inputs, bounds)?;
    if fitted.is_none() {
        let size = memory::largest_size(job, inputs, bounds)?;
        let Some(smaller) = size.filter(|_| args.fit) else {
            return Err(JobError::Memory {
                needed: said(needed(backend, job, &plan, inputs)),
                limit: room,
                fits: size,
            });
        };
        job.size = smaller;
        note(&format!(
            "--fit: painting at --size {smaller}, for {room} of memory"
        ));
        fitted = memory::fitted(job, inputs, bounds)?;
    }
    if let Some(fitted) = fitted {
        for change in adapt(job, fitted) {
            note(&format!("{change}, for {room} of memory"));
        }
    }
    job.plan(inputs)
}

/// Changes a job so that it fits and says what was changed, for people.
fn adapt(job: &mut Job, fitted: Fitted) -> Vec<String> {
    let Fitted { tile, history } = fitted;
    let mut changes = Vec::new();
    if let (true, Some(side)) = (job.tile.is_empty(), tile.smallest()) {
        changes.push(format!("painting in tiles of {side} px (--tile {tile})"));
    }
    if history < job.optimize.history {
        let before = job.optimize.history;
        changes.push(format!(
            "L-BFGS remembers {history} updates instead of {before} (--history {history})"
        ));
    }
    (job.tile, job.optimize.history) = (tile, history);
    changes
}

/// The most memory that a run on a backend takes, in bytes: the machine's, or the card's.
pub fn needed(backend: Backend, job: &Job, plan: &Plan, inputs: &InputSizes) -> u64 {
    if backend == Backend::Gpu {
        return memory::predict_on_card(job, plan, inputs);
    }
    memory::predict(job, plan, inputs)
}

/// The most memory a run on a backend may take, if it is known.
pub fn limit(args: &Hardware, backend: Backend) -> Option<u64> {
    let given = args.max_memory.map(|size| size.as_u64());
    let of_its_own = || devices::card(args, backend).is_some_and(|card| !card.shares_memory);
    given.or_else(|| memory::free().filter(|_| !of_its_own()))
}

/// Bytes for people.
pub fn said(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}
