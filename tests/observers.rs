//! What an observer is told, and what becomes of a transfer whose observer fails.

mod common;

use std::ops::ControlFlow;

use nst::job::Size;
use nst::optimize::{State, TileProgress};
use nst::{Draw, End, Inputs, Job, Observer, ObserverError, Picture, Step, resume, stylize};

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

    fn stopped(&mut self, state: &State) -> Result<(), ObserverError> {
        self.stopped.push(state.done);
        Ok(())
    }
}

fn picture(side: usize) -> Picture {
    let planes: Vec<f32> = (0..3 * side * side)
        .map(|k| (k % 17) as f32 / 17.0)
        .collect();
    Picture::from_planes(side, side, &planes).unwrap()
}

fn inputs(side: usize) -> Inputs {
    Inputs::new(picture(side), picture(20))
}

/// Five steps on the layers of three blocks.
fn job(side: usize) -> Job {
    let mut job = Job {
        model: nst::vgg::Model::Vgg16,
        size: Size::Long(side),
        steps: 5,
        scales: Some(1),
        ..Job::default()
    };
    job.loss.style_layers.retain(|entry| entry.layer.block <= 3);
    job.loss.content_layers = vec![job.loss.style_layers[0]];
    job
}

#[test]
fn an_observer_that_fails_or_has_enough_ends_the_transfer_with_the_picture_so_far() {
    let (job, inputs) = (job(24), inputs(24));
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

/// Has enough at some tile of the third step, and keeps the state it ends with.
#[derive(Default)]
struct AtATile {
    tiles: usize,
    at: usize,
    of: usize,
    state: Option<State>,
}

impl Observer for AtATile {
    fn tile(&mut self, progress: TileProgress) -> ControlFlow<()> {
        self.tiles += 1;
        self.of = progress.of;
        if self.tiles == self.at {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn stopped(&mut self, state: &State) -> Result<(), ObserverError> {
        self.state = Some(state.clone());
        Ok(())
    }
}

#[test]
fn a_transfer_stopped_in_the_middle_of_a_steps_tiles_goes_on_to_the_same_picture() {
    let job = Job {
        tile: 32.into(),
        ..job(70)
    };
    let (inputs, vgg) = (inputs(70), common::three_blocks());
    let mut watching = AtATile::default();
    let whole = stylize(&job, &inputs, &vgg, &mut watching).unwrap();
    // Four tiles, each gone over twice, in every step.
    assert_eq!((watching.of, watching.tiles), (8, 5 * 8));
    for at in [2 * 8 + 2, 2 * 8 + 6] {
        let mut observer = AtATile {
            at,
            ..AtATile::default()
        };
        let stopped = stylize(&job, &inputs, &vgg, &mut observer).unwrap();
        assert_eq!((stopped.steps, stopped.end), (2, End::Stopped));
        let state = observer.state.take();
        assert_eq!(state.as_ref().map(|state| state.done), Some(2));
        let end = resume(&job, &inputs, &vgg, state, &mut AtATile::default()).unwrap();
        assert_eq!((end.steps, end.end), (5, End::Finished));
        assert!(end.picture == whole.picture, "stopped at tile {at}");
    }
}
