//! How much memory a transfer takes, and how much there is.

mod predict;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

pub use predict::predict;

use super::{InputSizes, Job, JobError, Size};

/// Memory that a new process may take now, in bytes: what is free on this machine, or left in its
/// container. None where the system does not say.
pub fn free() -> Option<u64> {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(memory).ok()?;
    let container = system.cgroup_limits().map(|limits| limits.free_memory);
    let machine = Some(system.available_memory()).filter(|&bytes| bytes > 0);
    machine.into_iter().chain(container).min()
}

/// The largest size of the job's kind, no larger than its own, whose run fits into `limit` bytes,
/// and at which the deepest layer still exists.
///
/// # Errors
///
/// If the job cannot be, at its own size.
pub fn largest_size(job: &Job, inputs: &InputSizes, limit: u64) -> Result<Option<Size>, JobError> {
    job.plan(inputs)?;
    let at = |length: usize| Job {
        size: job.size.with_length(length),
        ..job.clone()
    };
    let high = job.size.length();
    let smallest = first(1, high, |length| at(length).plan(inputs).is_ok());
    let too_large = first(smallest, high, |length| {
        let job = at(length);
        let plan = job.plan(inputs);
        plan.map_or(true, |plan| predict(&job, &plan, inputs) > limit)
    });
    Ok((too_large > smallest).then(|| job.size.with_length(too_large - 1)))
}

/// The first number from `low` to `high` for which something holds that then holds for all larger
/// ones; the one after `high` if there is none.
fn first(mut low: usize, high: usize, holds: impl Fn(usize) -> bool) -> usize {
    let mut beyond = high + 1;
    while low < beyond {
        let middle = usize::midpoint(low, beyond);
        if holds(middle) {
            beyond = middle;
        } else {
            low = middle + 1;
        }
    }
    beyond
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::StyleSize;

    fn square(side: usize) -> InputSizes {
        InputSizes {
            content: (side, side),
            styles: vec![(side, side)],
            ..InputSizes::default()
        }
    }

    fn at(size: usize) -> u64 {
        let job = Job {
            size: Size::Long(size),
            ..Job::default()
        };
        let inputs = square(1000);
        predict(&job, &job.plan(&inputs).unwrap(), &inputs)
    }

    #[test]
    fn memory_grows_with_the_area() {
        let (small, middle, large) = (at(512), at(1024), at(2048));
        let ratio = (large - middle) as f64 / (middle - small) as f64;
        assert!((3.9..4.1).contains(&ratio), "{ratio}");
    }

    #[test]
    fn the_largest_size_fits_and_the_next_does_not() {
        let job = Job {
            size: Size::Long(4000),
            ..Job::default()
        };
        let limit = 2 << 30;
        let best = largest_size(&job, &square(1000), limit).unwrap().unwrap();
        let best = best.length();
        assert!(at(best) <= limit && at(best + 1) > limit, "{best}");
    }

    #[test]
    fn the_few_sizes_that_fit_a_panorama_are_found_and_keep_their_kind() {
        let inputs = InputSizes {
            content: (8000, 100),
            ..square(1000)
        };
        // From 16 px high, which the deepest layer needs.
        for (size, expected) in [
            (Size::Long(8000), Size::Long(1300)),
            (Size::Width(8000), Size::Width(1300)),
            (Size::Area(8e5), Size::Area(f64::from(145 * 145))),
        ] {
            let job = |size| Job {
                size,
                style_size: StyleSize::Own(Size::Long(64)),
                scales: Some(1),
                ..Job::default()
            };
            let needs = |size| {
                let job = job(size);
                predict(&job, &job.plan(&inputs).unwrap(), &inputs)
            };
            let found = largest_size(&job(size), &inputs, needs(expected)).unwrap();
            assert_eq!(found, Some(expected));
            let next = expected.with_length(expected.length() + 1);
            assert!(needs(next) > needs(expected));
        }
    }

    #[test]
    fn nothing_fits_into_no_memory() {
        assert_eq!(
            largest_size(&Job::default(), &square(500), 1 << 20),
            Ok(None)
        );
    }

    #[test]
    fn this_machine_says_how_much_is_free() {
        assert!(free().is_some_and(|bytes| bytes > 1 << 20));
    }
}
