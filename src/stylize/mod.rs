//! A whole transfer: from pictures to one.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor, TensorData};

mod caught;
mod colour;
mod start;

use crate::device::DeviceError;
use crate::error::Error;
use crate::job::{Colour, Inputs, Job, Painting, Plan, Scale};
use crate::loss::{Objective, StyleSource};
use crate::optimize::{Event, State, Step, TileProgress, optimize};
use crate::picture::Picture;
use crate::vgg::Vgg;

pub use crate::optimize::End;

use caught::caught;

/// Why an observer cannot go on.
pub type ObserverError = Box<dyn std::error::Error + Send + Sync>;

/// Someone who watches a transfer. Every method does nothing unless written.
pub trait Observer {
    /// The job was checked and begins, or goes on.
    fn planned(&mut self, plan: &Plan) {
        let _ = plan;
    }

    /// One update is done; `draw` gives the result as it would be now. `Break` ends the transfer
    /// with that.
    ///
    /// # Errors
    ///
    /// Whatever keeps the observer from its work; ends the transfer too, with what there is so far.
    fn step(&mut self, step: &Step<'_>, draw: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        let _ = (step, draw);
        Ok(ControlFlow::Continue(()))
    }

    /// A tile of the next update is done, where it goes over several. `Break` ends the transfer with
    /// the picture before that update.
    fn tile(&mut self, progress: TileProgress) -> ControlFlow<()> {
        let _ = progress;
        ControlFlow::Continue(())
    }

    /// The transfer ends with this state, because an observer said so.
    ///
    /// # Errors
    ///
    /// As [`Observer::step`].
    fn stopped(&mut self, state: &State) -> Result<(), ObserverError> {
        let _ = state;
        Ok(())
    }
}

/// Makes the result as it would be if the transfer ended now, at its full size.
///
/// # Errors
///
/// If the device fails.
pub type Draw<'a> = &'a dyn Fn() -> Result<Picture, Error>;

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}

/// What came of a transfer.
#[derive(Debug)]
pub struct Painted {
    /// The result, as far as it came.
    pub picture: Picture,
    /// Updates done, over all scales.
    pub steps: usize,
    /// Why the loop ended.
    pub end: End,
    /// What went wrong with the observer, if that is why.
    pub failure: Option<ObserverError>,
}

/// Paints the content picture in the style of the others.
///
/// The result has the aspect ratio of the content, the size the job asks for, and keeps the
/// content's alpha and bit depth.
///
/// # Errors
///
/// If the job cannot be, `vgg` is not the network it asks for, or the device fails, which burn
/// reports by a panic that is caught here; for that, the first call sets a panic hook, which hands
/// on to the one before.
pub fn stylize(
    job: &Job,
    inputs: &Inputs,
    vgg: &Vgg,
    observer: &mut dyn Observer,
) -> Result<Painted, Error> {
    resume(job, inputs, vgg, None, observer)
}

/// Goes on from a state that an observer kept, or from the start where there is none.
///
/// # Errors
///
/// As [`stylize`].
pub fn resume(
    job: &Job,
    inputs: &Inputs,
    vgg: &Vgg,
    state: Option<State>,
    observer: &mut dyn Observer,
) -> Result<Painted, Error> {
    let plan = job.plan(&inputs.into())?;
    inputs.check_masks()?;
    check_network(job, &plan, vgg)?;
    observer.planned(&plan);
    let vgg = vgg.with(job.pool, job.padding);
    caught(|| paint(job, inputs, &vgg, &plan, state, observer))
}

fn check_network(job: &Job, plan: &Plan, vgg: &Vgg) -> Result<(), Error> {
    if vgg.model() == job.model && vgg.layers().any(|layer| layer == plan.deepest) {
        return Ok(());
    }
    Err(Error::Network {
        model: job.model,
        deepest: plan.deepest,
    })
}

fn paint(
    job: &Job,
    inputs: &Inputs,
    vgg: &Vgg,
    plan: &Plan,
    state: Option<State>,
    observer: &mut dyn Observer,
) -> Result<Painted, Error> {
    let device = vgg.device();
    let prepared = colour::before(job.colour, inputs);
    let (given, inputs) = (inputs, prepared.as_ref().unwrap_or(inputs));
    let mut state = state.unwrap_or_else(|| {
        let image = start::image(job, inputs, plan.scales[0].size, &device);
        State::new(&job.optimize, image)
    });
    let mut failure = None;
    loop {
        let scale = &plan.scales[state.scale];
        let objective = objective(job, inputs, scale, vgg);
        let draw = |state: &State| finished(job, given, plan, state);
        let mut observe = |event: &Event<'_>| match event {
            Event::Tile(progress) => observer.tile(*progress),
            Event::Step(step) => {
                let wish = observer.step(step, &|| draw(step.state));
                wish.unwrap_or_else(|error| {
                    failure = Some(error);
                    ControlFlow::Break(())
                })
            }
        };
        let steps = scale.steps;
        let end = optimize(
            vgg,
            &objective,
            scale.tiling,
            &mut state,
            steps,
            &mut observe,
        )?;
        if end == End::Stopped {
            let stopped = observer.stopped(&state);
            failure = failure.or(stopped.err());
        }
        match plan.scales.get(state.scale + 1) {
            Some(next) if end == End::Finished => state.next_scale(next.size),
            _ => {
                return Ok(Painted {
                    picture: draw(&state)?,
                    steps: state.done,
                    end,
                    failure,
                });
            }
        }
    }
}

fn objective(job: &Job, inputs: &Inputs, scale: &Scale, vgg: &Vgg) -> Objective {
    let device = vgg.device();
    let (width, height) = scale.size;
    let content = to_tensor(&inputs.content.resized(width, height), &device);
    let source = |(painting, &(width, height)): (&Painting, &(usize, usize))| StyleSource {
        image: to_tensor(&painting.picture.resized(width, height), &device),
        weight: painting.weight,
        content_mask: painting.content_mask.clone(),
        style_mask: painting.style_mask.clone(),
    };
    let styles: Vec<_> = inputs
        .styles
        .iter()
        .zip(&scale.styles)
        .map(source)
        .collect();
    Objective::new(&job.loss, &content, &styles, vgg, scale.tiling)
}

/// The result at its full size, with the content's alpha and depth, and its colours if the job
/// asks for them.
fn finished(job: &Job, inputs: &Inputs, plan: &Plan, state: &State) -> Result<Picture, Error> {
    let (width, height) = plan.size();
    let painted = to_picture(&state.shown())?.into_size(width, height);
    let given = &inputs.content;
    let painted = Picture {
        depth: given.depth,
        ..painted
    };
    if job.colour != Colour::Content && given.alpha.is_none() {
        return Ok(painted);
    }
    let content = given.resized(width, height);
    Ok(Picture {
        alpha: content.alpha.clone(),
        ..colour::after(job.colour, painted, &content)
    })
}

/// A picture as a tensor `[1, 3, height, width]` of sRGB values in [0, 1].
pub fn to_tensor(picture: &Picture, device: &Device) -> Tensor<4> {
    let shape = [1, 3, picture.height, picture.width];
    Tensor::from_data(TensorData::new(picture.planes(), shape), device)
}

/// A tensor `[1, 3, height, width]` in [0, 1] as a picture without alpha.
///
/// # Errors
///
/// If the device fails.
pub fn to_picture(x: &Tensor<4>) -> Result<Picture, Error> {
    let [_, _, height, width] = x.dims();
    let data = x.try_to_data().map_err(DeviceError::compute)?;
    let planes = data.as_slice().map_err(DeviceError::compute)?;
    Ok(Picture::from_planes(width, height, planes)?)
}
