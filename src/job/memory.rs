//! How much memory a transfer takes, and how much there is.

mod fitted;
mod free;
mod predict;

pub use fitted::{Bounds, Fitted, fitted};
pub use free::free;
pub use predict::{predict, predict_on_card};

use fitted::in_tiles;

use super::{InputSizes, Job, JobError, Size};

/// Smallest side of a tile, in pixels, that costs a tolerable multiple of the time.
const TOLERABLE_TILE: usize = 256;

/// The largest size of the job's kind, no larger than its own, whose run keeps within bounds, be it in
/// tiles of 256 px and more, and at which the deepest layer still exists.
///
/// # Errors
///
/// If the job cannot be, at its own size.
pub fn largest_size(
    job: &Job,
    inputs: &InputSizes,
    bounds: Bounds,
) -> Result<Option<Size>, JobError> {
    job.plan(inputs)?;
    let at = |length: usize| Job {
        size: job.size.with_length(length),
        ..job.clone()
    };
    let high = job.size.length();
    let smallest = first(1, high, |length| at(length).plan(inputs).is_ok());
    let too_large = first(smallest, high, |length| {
        let fitted = in_tiles(&at(length), inputs, bounds, TOLERABLE_TILE);
        !matches!(fitted, Ok(Some(_)))
    });
    Ok((too_large > smallest).then(|| job.size.with_length(too_large - 1)))
}

/// The first number from `low` to `high` for which something holds that then holds for all larger
/// ones; the one after `high` if there is none.
fn first(mut low: usize, high: usize, mut holds: impl FnMut(usize) -> bool) -> usize {
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
    use crate::optimize::{Method, Settings};

    fn bound(bytes: u64) -> Bounds {
        Bounds {
            memory: Some(bytes),
            card: None,
            buffer: None,
        }
    }

    fn square(side: usize) -> InputSizes {
        InputSizes {
            content: (side, side),
            styles: vec![(side, side)],
            ..InputSizes::default()
        }
    }

    fn long(size: usize) -> Job {
        Job {
            size: Size::Long(size),
            ..Job::default()
        }
    }

    fn at(size: usize) -> u64 {
        let (job, inputs) = (long(size), square(1000));
        predict(&job, &job.plan(&inputs).unwrap(), &inputs)
    }

    #[test]
    fn memory_grows_with_the_area() {
        let (small, middle, large) = (at(512), at(1024), at(2048));
        let ratio = (large - middle) as f64 / (middle - small) as f64;
        assert!((3.9..4.1).contains(&ratio), "{ratio}");
    }

    #[test]
    fn the_largest_size_fits_in_tiles_and_the_next_does_not() {
        let (inputs, limit) = (square(1000), 2 << 30);
        let best = largest_size(&long(6000), &inputs, bound(limit))
            .unwrap()
            .unwrap();
        let best = best.length();
        let fits = |size| {
            let fitted = in_tiles(&long(size), &inputs, bound(limit), TOLERABLE_TILE);
            fitted.unwrap().is_some()
        };
        assert!(fits(best) && !fits(best + 1), "{best}");
        assert!(at(best) > limit, "as a whole it would not fit");
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
                // Without a history that may shrink.
                optimize: Settings {
                    method: Method::Adam,
                    ..Settings::default()
                },
                size,
                style_size: StyleSize::Own(Size::Long(64)),
                scales: Some(1),
                tile: 8000.into(),
                ..Job::default()
            };
            let needs = |size| {
                let job = job(size);
                predict(&job, &job.plan(&inputs).unwrap(), &inputs)
            };
            let found = largest_size(&job(size), &inputs, bound(needs(expected))).unwrap();
            assert_eq!(found, Some(expected));
            let next = expected.with_length(expected.length() + 1);
            assert!(needs(next) > needs(expected));
        }
    }

    #[test]
    fn nothing_fits_into_no_memory() {
        assert_eq!(
            largest_size(&Job::default(), &square(500), bound(1 << 20)),
            Ok(None)
        );
    }
}
