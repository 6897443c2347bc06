use super::predict::{largest_buffer, predict_on_card};
use super::{first, predict};
use crate::job::{InputSizes, Job, JobError, Plan, Scale};
use crate::optimize::Method;
use crate::tiles::GRID;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// [`Job::tile`].
    pub tile: Option<usize>,
    /// [`crate::optimize::Settings::history`].
    pub history: usize,
}

/// How the job's run keeps within bounds at the least cost: as it is, in the largest tiles that do, or
/// with less history of L-BFGS and therefore larger ones. None if it cannot at this size. A tile that is
/// given stays.
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
        .filter_map(|history| largest_tile(job, history, &plan, inputs, bounds, smallest));
    // Of equals, the first is taken, which has the longest history.
    Ok(ways.min_by(|a, b| cost(job, &plan, a).total_cmp(&cost(job, &plan, b))))
}

/// No tiles, or the largest of at least `smallest` px, that keep within bounds with this history. None
/// if there are none.
fn largest_tile(
    job: &Job,
    history: usize,
    plan: &Plan,
    inputs: &InputSizes,
    bounds: Bounds,
    smallest: usize,
) -> Option<Fitted> {
    let fits = |tile| bounds.hold(&with(job, Fitted { tile, history }), plan, inputs);
    let long = longest(plan);
    let tile = if fits(job.tile) {
        job.tile
    } else if job.tile.is_none() && fits(Some(smallest)) {
        let (least, most) = (smallest / GRID, long.div_ceil(GRID));
        let too_large = first(least, most, |k| !fits(Some(k * GRID)));
        Some(even(long, (too_large - 1) * GRID))
    } else {
        return None;
    };
    Some(Fitted { tile, history })
}

/// The job that keeps within bounds in this way.
fn with(job: &Job, fitted: Fitted) -> Job {
    let mut job = job.clone();
    (job.tile, job.optimize.history) = (fitted.tile, fitted.history);
    job
}

/// What the last scale costs, as a multiple of the whole picture's steps with all of the history.
fn cost(job: &Job, plan: &Plan, fitted: &Fitted) -> f64 {
    let (width, height) = plan.size();
    let tiling = with(job, *fitted).tiling(plan.deepest);
    let forgotten = (job.optimize.history - fitted.history) as f64;
    tiling.work([height, width]) * (1.0 + FORGETTING * forgotten)
}

/// The longest side of any picture, in pixels.
fn longest(plan: &Plan) -> usize {
    let sizes = plan.scales.iter().flat_map(Scale::sizes);
    let longer = sizes.map(|(width, height)| width.max(height));
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

    fn needs(job: &Job) -> u64 {
        predict(job, &job.plan(&inputs()).unwrap(), &inputs())
    }

    fn fit(job: &Job, limit: u64) -> Option<Fitted> {
        fitted(job, &inputs(), bound(limit)).unwrap()
    }

    #[test]
    fn a_job_that_fits_stays_as_it_is() {
        let job = job(512, Method::Lbfgs);
        let history = job.optimize.history;
        let expected = Fitted {
            tile: None,
            history,
        };
        assert_eq!(fit(&job, 4 * GIB), Some(expected));
    }

    #[test]
    fn tiles_are_as_large_as_fit_and_no_more_than_even_ones_need() {
        let job = job(4096, Method::Adam);
        let mut sides = Vec::new();
        for limit in [5 * GIB, 6 * GIB, 8 * GIB] {
            let found = fit(&job, limit).unwrap();
            assert!(needs(&with(&job, found)) <= limit);
            let side = found.tile.unwrap();
            let tiles = 4096_usize.div_ceil(side);
            if tiles > 1 {
                // One tile fewer would not fit.
                let larger = Fitted {
                    tile: Some(4096_usize.div_ceil(tiles - 1).next_multiple_of(GRID)),
                    ..found
                };
                assert!(needs(&with(&job, larger)) > limit, "{side}");
            }
            sides.push(side);
        }
        assert!(sides.is_sorted() && sides[0] < sides[2], "{sides:?}");
    }

    #[test]
    fn lbfgs_remembers_less_where_that_saves_more_work_in_larger_tiles() {
        let job = job(4096, Method::Lbfgs);
        let plan = job.plan(&inputs()).unwrap();
        for limit in [5 * GIB, 8 * GIB] {
            let found = fit(&job, limit).unwrap();
            assert!((LEAST_HISTORY..10).contains(&found.history), "{found:?}");
            assert!(needs(&with(&job, found)) <= limit);
            for history in LEAST_HISTORY..=10 {
                let other = largest_tile(&job, history, &plan, &inputs(), bound(limit), GRID);
                let dearer = |other| cost(&job, &plan, &other) >= cost(&job, &plan, &found);
                assert!(other.is_none_or(dearer), "{other:?} for {found:?}");
            }
        }
        let roomy = fit(&job, 64 * GIB).unwrap();
        assert_eq!((roomy.tile, roomy.history), (None, 10));
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
            tile: Some(1024),
            ..job(4096, Method::Adam)
        };
        assert_eq!(fit(&given, 16 * GIB).unwrap().tile, Some(1024));
        assert_eq!(fit(&given, GIB), None);
    }

    #[test]
    fn a_card_that_binds_128_mib_paints_1024_px_in_tiles() {
        let mut job = job(1024, Method::Adam);
        // A halo of 16 px.
        job.loss.content_layers = vec![Layer::new(1, 2).into()];
        job.loss.style_layers = vec![Layer::new(2, 1).into()];
        let bounds = Bounds {
            memory: None,
            card: None,
            buffer: Some(128 << 20),
        };
        let found = fitted(&job, &inputs(), bounds).unwrap().unwrap();
        // The whole picture's 64 channels are 256 MiB.
        assert_eq!(found.tile, Some(512));
    }

    #[test]
    fn a_card_of_which_a_gibibyte_may_be_used_paints_1024_px_in_tiles() {
        let job = job(1024, Method::Adam);
        let card = |bytes| Bounds {
            card: Some(bytes),
            ..Bounds::default()
        };
        let whole = fitted(&job, &inputs(), card(2 * GIB)).unwrap().unwrap();
        assert_eq!(whole.tile, None);
        let found = fitted(&job, &inputs(), card(GIB)).unwrap().unwrap();
        assert!(found.tile.is_some_and(|tile| tile < 1024), "{found:?}");
    }
}
