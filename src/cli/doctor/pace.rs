use std::time::{Duration, Instant};

use nst::job::Plan;
use nst::vgg::Model;

use crate::cli::bench::Stepper;

/// Side of the square picture that is measured, in pixels: the first scale of a default picture.
pub const SIDE: usize = 256;
/// Fewest steps to measure.
const FEWEST: usize = 3;
/// How long to measure, except where those take longer.
const ENOUGH: Duration = Duration::from_millis(700);

/// How fast this machine paints.
pub struct Pace {
    seconds_per_pixel: f64,
}

/// Takes steps on the CPU, the first of them uncounted. The fastest counts: what else the machine does
/// makes the others slower.
///
/// # Errors
///
/// If a step fails.
pub fn measure(model: Model) -> anyhow::Result<Pace> {
    let mut stepper = Stepper::new(model, SIDE, &nst::device::cpu());
    stepper.step()?;
    let (mut fastest, mut steps) = (f64::INFINITY, 0);
    let start = Instant::now();
    while steps < FEWEST || start.elapsed() < ENOUGH {
        fastest = fastest.min(stepper.step()?.0);
        steps += 1;
    }
    let pixels = (SIDE * SIDE) as f64;
    Ok(Pace {
        seconds_per_pixel: fastest / pixels,
    })
}

impl Pace {
    /// The time of all steps of a plan, in seconds: a step's time grows with its pixels.
    pub fn seconds(&self, plan: &Plan) -> f64 {
        let pixels = |(width, height): (usize, usize)| (width * height) as f64;
        let scales = plan.scales.iter();
        let work: f64 = scales.map(|s| pixels(s.size) * s.steps as f64).sum();
        work * self.seconds_per_pixel
    }
}

#[cfg(test)]
mod tests {
    use nst::Job;
    use nst::job::InputSizes;

    use super::*;

    #[test]
    fn the_time_of_a_plan_is_that_of_the_steps_of_all_its_scales() {
        let job = Job {
            steps: 3,
            ..Job::default()
        };
        let square = InputSizes {
            content: (600, 600),
            styles: vec![(600, 600)],
            ..InputSizes::default()
        };
        let pace = Pace {
            seconds_per_pixel: 1e-6,
        };
        let seconds = pace.seconds(&job.plan(&square).unwrap());
        let work = 2 * (256 * 256 + 362 * 362) + 3 * 512 * 512;
        assert!((seconds - 1e-6 * f64::from(work)).abs() < 1e-9, "{seconds}");
    }
}
