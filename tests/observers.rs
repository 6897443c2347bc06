//! What an observer is told, and what becomes of a transfer whose observer fails.

mod common;

use std::ops::ControlFlow;

use nst::job::Size;
use nst::{Draw, End, Inputs, Job, Observer, ObserverError, Picture, Step, stylize};

/// Goes wrong or has enough at the second step.
#[derive(Default)]
struct Second {
    fails: bool,
    steps: usize,
    stopped: Vec<usize>,
}

impl Observer for Second {
    fn step(&mut self, step: &Step<'_>, _: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        self.steps += 1;
        match (step.done, self.fails) {
            (2, true) => Err("nobody reads this".into()),
            (2, false) => Ok(ControlFlow::Break(())),
            _ => Ok(ControlFlow::Continue(())),
        }
    }

    fn stopped(&mut self, step: &Step<'_>) -> Result<(), ObserverError> {
        self.stopped.push(step.done);
        Ok(())
    }
}

#[test]
fn an_observer_that_fails_or_has_enough_ends_the_transfer_with_the_picture_so_far() {
    let picture = |side: usize| {
        let planes: Vec<f32> = (0..3 * side * side)
            .map(|k| (k % 17) as f32 / 17.0)
            .collect();
        Picture::from_planes(side, side, &planes).unwrap()
    };
    let mut job = Job {
        model: nst::vgg::Model::Vgg16,
        size: Size::Long(24),
        steps: 5,
        ..Job::default()
    };
    for layers in [&mut job.loss.content_layers, &mut job.loss.style_layers] {
        layers.retain(|entry| entry.layer.block <= 3);
    }
    if job.loss.content_layers.is_empty() {
        job.loss.content_layers = vec![job.loss.style_layers[0]];
    }
    let inputs = Inputs::new(picture(24), picture(20));
    let vgg = common::three_blocks();
    for fails in [true, false] {
        let mut observer = Second {
            fails,
            ..Second::default()
        };
        let painted = stylize(&job, &inputs, &vgg, &mut observer).unwrap();
        assert_eq!((painted.steps, painted.end), (2, End::Stopped));
        assert_eq!((observer.steps, observer.stopped), (2, vec![2]));
        assert_eq!(painted.picture.width, 24);
        let failure = painted.failure.map(|failure| failure.to_string());
        assert_eq!(failure, fails.then(|| "nobody reads this".to_owned()));
    }
}
