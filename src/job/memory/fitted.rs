use super::predict::{largest_buffer, predict_on_card};
use super::{first, predict};
use crate::job::{InputSizes, Job, JobError, Plan, Scale};
use crate::optimize::Method;
use crate::tiles::{GRID, Sides};

/// Fewest updates that L-BFGS is left: with fewer it is little better than gradient descent.
const LEAST_HISTORY: usize = 3;
/// Steps more, as a share, for each update less that L-BFGS remembers: at 224 px it was 5 % from ten
/// to five (benches/README.md).
const FORGETTING: f64 = 0.01;

/// What a run may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Memory, in bytes, where it is known.
    pub memory: Option<u64>,
    /// The memory of a graphics card, in bytes, where it is known.
    pub card: Option<u64>,
    /// Its largest buffer, in bytes.
    pub buffer: Option<u64>,
}

impl Bounds {
    fn hold(self, job: &Job, plan: &Plan, inputs: &InputSizes) -> bool {
        let within = |limit: Option<u64>, needed: &dyn Fn() -> u64| {
            limit.is_none_or(|limit| needed() <= limit)
        };
        within(self.memory, &|| predict(job, plan, inputs))
            && within(self.card, &|| predict_on_card(job, plan, inputs))
            && within(self.buffer, &|| largest_buffer(job, plan))
    }
}

/// How a job's run keeps within bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// [`Job::tile`].
    pub tile: Sides,
    /// [`crate::optimize::Settings::history`].
    pub history: usize,
}

/// How the job's run keeps within bounds at the least cost: as it is, every scale in the largest tiles
/// that do, or with less history of L-BFGS and therefore larger ones. None if it cannot at this size.
/// Tiles that are given stay.
///
/// # Errors
///
/// If the job cannot be.
pub fn fitted(job: &Job, inputs: &InputSizes, bounds: Bounds) -> Result<Option<Fitted>, JobError> {
    in_tiles(job, inputs, bounds, GRID)
}

/// [`fitted`] with tiles of at least `smallest` px.
pub(super) fn in_tiles(
    job: &Job,
    inputs: &InputSizes,
    bounds: Bounds,
    smallest: usize,
) -> Result<Option<Fitted>, JobError> {
    let plan = job.plan(inputs)?;
    let ways = histories(job)
        .filter_map(|history| remembering(job, history, &plan, inputs, bounds, smallest));
    // Of equals, the first is taken, which has the longest history.
    Ok(ways.min_by(|a, b| cost(job, &plan, a).total_cmp(&cost(job, &plan, b))))
}

/// With this history: as it is, or in tiles of at least `smallest` px. None if it cannot.
fn remembering(
    job: &Job,
    history: usize,
    plan: &Plan,
    inputs: &InputSizes,
    bounds: Bounds,
    smallest: usize,
) -> Option<Fitted> {
    let fits = |tile| {
        let (job, plan) = with(job, plan, Fitted { tile, history });
        bounds.hold(&job, &plan, inputs)
    };
    let tile = largest_tiles(job, plan, smallest, &fits)?;
    Some(Fitted { tile, history })
}

/// The tiles that the job has, or the largest that fit at every scale, of at least `smallest` px. None
/// if there are none.
fn largest_tiles(
    job: &Job,
    plan: &Plan,
    smallest: usize,
    fits: &dyn Fn(Sides) -> bool,
) -> Option<Sides> {
    if fits(job.tile.clone()) {
        return Some(job.tile.clone());
    }
    if !job.tile.is_empty() || !fits(smallest.into()) {
        return None;
    }
    // Scales need memory one after the other: each is fitted with the others in the smallest tiles.
    let scales = plan.scales.iter().rev().enumerate();
    let side = |(before_last, scale): (usize, &Scale)| {
        let fits = |side| {
            let other = |k| {
                if k == before_last {
                    side
                } else {
                    Some(smallest)
                }
            };
            fits((0..plan.scales.len()).map(other).collect())
        };
        largest_side(longest(scale), smallest, &fits)
    };
    Some(scales.map(side).collect())
}

/// The largest side that fits and makes no more tiles of a length than need be; none for the whole.
fn largest_side(
    length: usize,
    smallest: usize,
    fits: &dyn Fn(Option<usize>) -> bool,
) -> Option<usize> {
    if fits(None) {
        return None;
    }
    let (least, most) = (smallest / GRID, length.div_ceil(GRID));
    let too_large = first(least, most, |k| !fits(Some(k * GRID)));
    Some(even(length, (too_large - 1) * GRID))
}

/// The job that keeps within bounds in this way, and its plan.
fn with(job: &Job, plan: &Plan, fitted: Fitted) -> (Job, Plan) {
    let mut job = job.clone();
    (job.tile, job.optimize.history) = (fitted.tile, fitted.history);
    let plan = plan.clone().in_tiles(&job.tile);
    (job, plan)
}

/// What all steps cost, in steps over a pixel with all of the history.
fn cost(job: &Job, plan: &Plan, fitted: &Fitted) -> f64 {
    let (_, plan) = with(job, plan, fitted.clone());
    let work = |scale: &Scale| scale.steps as f64 * scale.work();
    let forgotten = (job.optimize.history - fitted.history) as f64;
    plan.scales.iter().map(work).sum::<f64>() * (1.0 + FORGETTING * forgotten)
}

/// The longest side of any picture at a scale, in pixels.
fn longest(scale: &Scale) -> usize {
    let longer = scale.sizes().map(|(width, height)| width.max(height));
    longer.max().unwrap_or(0)
}

/// The history as it is, and less of it where that saves memory.
fn histories(job: &Job) -> impl Iterator<Item = usize> {
    let given = job.optimize.history;
    let least = match job.optimize.method {
        Method::Lbfgs => given.min(LEAST_HISTORY),
        Method::Adam | Method::GradientDescent => given,
    };
    (least..=given).rev()
}

/// The smallest side that makes no more tiles of a length than `side` does.
fn even(length: usize, side: usize) -> usize {
    let tiles = length.div_ceil(side);
    length.div_ceil(tiles).next_multiple_of(GRID).min(side)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Layer;
    use crate::job::Size;
    use crate::optimize;

    const GIB: u64 = 1 << 30;

    fn inputs() -> InputSizes {
        InputSizes {
            content: (4000, 3000),
            styles: vec![(1000, 1000)],
            ..InputSizes::default()
        }
    }

    fn job(size: usize, method: Method) -> Job {
        Job {
            size: Size::Long(size),
            optimize: optimize::Settings {
                method,
                ..optimize::Settings::default()
            },
            ..Job::default()
        }
    }

    fn bound(bytes: u64) -> Bounds {
        Bounds {
            memory: Some(bytes),
            card: None,
            buffer: None,
        }
    }

    /// What the job needs that keeps within bounds in this way.
    fn needs(job: &Job, fitted: Fitted) -> u64 {
        let (job, plan) = with(job, &job.plan(&inputs()).unwrap(), fitted);
        predict(&job, &plan, &inputs())
    }

    fn fit(job: &Job, limit: u64) -> Option<Fitted> {
        fitted(job, &inputs(), bound(limit)).unwrap()
    }

    #[test]
    fn a_job_that_fits_stays_as_it_is() {
        let job = job(512, Method::Lbfgs);
        let history = job.optimize.history;
        let expected = Fitted {
            tile: Sides::default(),
            history,
        };
        assert_eq!(fit(&job, 4 * GIB), Some(expected));
    }

    #[test]
    fn tiles_are_as_large_as_fit_and_no_more_than_even_ones_need() {
        let job = job(4096, Method::Adam);
        let mut sides = Vec::new();
        for limit in [5 * GIB / 2, 3 * GIB, 4 * GIB] {
            let found = fit(&job, limit).unwrap();
            assert!(needs(&job, found.clone()) <= limit);
            let side = found.tile.at(0).unwrap();
            let tiles = 4096_usize.div_ceil(side);
            if tiles > 1 {
                // One tile fewer would not fit.
                let larger = 4096_usize.div_ceil(tiles - 1).next_multiple_of(GRID);
                let larger = Fitted {
                    tile: larger.into(),
                    ..found
                };
                assert!(needs(&job, larger) > limit, "{side}");
            }
            sides.push(side);
        }
        assert!(sides.is_sorted() && sides[0] < sides[2], "{sides:?}");
    }

    #[test]
    fn every_scale_has_the_largest_tiles_that_fit_it() {
        let job = Job {
            scales: Some(5),
            ..job(4096, Method::Adam)
        };
        // One byte less than the last scale but one takes as a whole.
        let tile = (0..5).map(|k| (k == 0).then_some(256)).collect();
        let history = job.optimize.history;
        let limit = needs(&job, Fitted { tile, history }) - 1;
        let found = fit(&job, limit).unwrap();
        let sides: Vec<_> = (0..5).map(|k| found.tile.at(k)).collect();
        let coarsest = sides.iter().position(Option::is_none).unwrap();
        assert!(coarsest >= 2 && sides[..coarsest].is_sorted(), "{sides:?}");
        assert!(sides[coarsest..].iter().all(Option::is_none), "{sides:?}");
        for wish in 0..coarsest {
            let whole = |k: usize| sides[k].filter(|_| k != wish);
            let tile = (0..5).map(whole).collect();
            assert!(needs(&job, Fitted { tile, ..found }) > limit, "{wish}");
        }
    }

    #[test]
    fn lbfgs_remembers_less_where_that_saves_more_work_in_larger_tiles() {
        let job = job(4096, Method::Lbfgs);
        let plan = job.plan(&inputs()).unwrap();
        for limit in [5 * GIB, 8 * GIB] {
            let found = fit(&job, limit).unwrap();
            assert!((LEAST_HISTORY..10).contains(&found.history), "{found:?}");
            assert!(needs(&job, found.clone()) <= limit);
            for history in LEAST_HISTORY..=10 {
                let other = remembering(&job, history, &plan, &inputs(), bound(limit), GRID);
                let dearer = |other: &Fitted| cost(&job, &plan, other) >= cost(&job, &plan, &found);
                assert!(other.as_ref().is_none_or(dearer), "{other:?} for {found:?}");
            }
        }
        let roomy = fit(&job, 64 * GIB).unwrap();
        assert_eq!((roomy.tile, roomy.history), (Sides::default(), 10));
    }

    #[test]
    fn a_picture_whose_own_copies_do_not_fit_is_left_to_be_refused() {
        for method in Method::ALL {
            assert_eq!(fit(&job(8192, method), GIB), None);
        }
    }

    #[test]
    fn a_tile_that_is_given_stays() {
        let given = Job {
            tile: 1024.into(),
            ..job(4096, Method::Adam)
        };
        assert_eq!(fit(&given, 16 * GIB).unwrap().tile, 1024.into());
        assert_eq!(fit(&given, GIB), None);
    }

    #[test]
    fn a_card_that_binds_128_mib_paints_1024_px_in_tiles() {
        let mut job = job(1024, Method::Adam);
        // A halo of 16 px.
        job.loss.content_layers = vec![Layer::new(2, 2).into()];
        job.loss.style_layers = vec![Layer::new(2, 1).into()];
        let bounds = Bounds {
            memory: None,
            card: None,
            buffer: Some(128 << 20),
        };
        let found = fitted(&job, &inputs(), bounds).unwrap().unwrap();
        // The whole picture's 64 channels are 256 MiB.
        assert_eq!(found.tile.at(0), Some(512));
        // The photo's features are not cut: at full size they are too many for it.
        job.loss.content_layers = vec![Layer::new(1, 2).into()];
        assert_eq!(fitted(&job, &inputs(), bounds), Ok(None));
    }

    #[test]
    fn a_card_of_which_a_gibibyte_may_be_used_paints_1024_px_in_tiles() {
        let job = job(1024, Method::Adam);
        let card = |bytes| Bounds {
            card: Some(bytes),
            ..Bounds::default()
        };
        let whole = fitted(&job, &inputs(), card(2 * GIB)).unwrap().unwrap();
        assert!(whole.tile.is_empty());
        let found = fitted(&job, &inputs(), card(GIB)).unwrap().unwrap();
        assert!(
            found.tile.at(0).is_some_and(|side| side < 1024),
            "{found:?}"
        );
    }
}
