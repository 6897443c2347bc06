//! The loop: one gradient of the losses with respect to the pixels, one update, again.

mod adam;
mod average;
mod evaluate;
mod guard;
mod lbfgs;
mod optimizer;
mod patience;
mod settings;
mod state;

use std::ops::ControlFlow;
use std::time::Instant;

pub use adam::Adam;
pub use average::Average;
pub use evaluate::{OnTile, TileProgress, losses_and_gradient};
pub use guard::Guard;
pub use lbfgs::Lbfgs;
pub use optimizer::{Method, Optimizer};
pub use patience::{Fallen, Patience};
pub use settings::Settings;
pub use state::State;

use crate::device::DeviceError;
use crate::loss::{LossTerms, Objective};
use crate::tiles::Tiling;
use crate::vgg::Vgg;

/// One update of the picture, as an observer sees it.
#[derive(Debug)]
pub struct Step<'a> {
    /// The coarse-to-fine scale, from 1.
    pub scale: usize,
    /// The step within the scale, from 1.
    pub step: usize,
    /// The step over all scales, from 1.
    pub done: usize,
    /// The losses before this update.
    pub terms: LossTerms,
    /// How long this step took.
    pub seconds: f64,
    /// Whether the loop went back to an earlier picture, because the loss had exploded, and goes
    /// on with half the step.
    pub rolled_back: bool,
    /// Everything the loop knows after this update.
    pub state: &'a State,
}

/// What a loop tells of.
#[derive(Debug)]
pub enum Event<'a> {
    /// A tile of a step over several tiles is done; nothing has changed yet.
    Tile(TileProgress),
    /// A step is done.
    Step(Step<'a>),
}

/// Why a loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All steps are done, or the loss no longer fell.
    Finished,
    /// The observer asked for it.
    Stopped,
    /// The loss exploded again and again; the picture is the last good one.
    Diverged {
        /// The step over all scales, from 1.
        step: usize,
    },
}

/// Optimises the picture of `state` until it has done `steps` updates at its scale, or its patience is
/// over.
///
/// `observe` is told of every step and tile and may end the loop; a step that is not done then is
/// forgotten. A loss that explodes takes the state back to the last good one.
///
/// # Errors
///
/// If the device fails.
pub fn optimize(
    vgg: &Vgg,
    objective: &Objective,
    tiling: Tiling,
    state: &mut State,
    steps: usize,
    observe: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
) -> Result<End, DeviceError> {
    let [_, _, height, width] = state.image.dims();
    let tiles = tiling.of([height, width]);
    while state.step < steps && !state.patience.is_over(state.step) {
        let start = Instant::now();
        let x = state.image.clone();
        let mut on_tile = |progress| observe(&Event::Tile(progress));
        let evaluated = losses_and_gradient(vgg, objective, &tiles, &x, &mut on_tile)?;
        let Some((terms, gradient)) = evaluated else {
            return Ok(End::Stopped);
        };
        let rolled_back = !state.is_sound(terms.total, objective.blank());
        if rolled_back && !state.roll_back() {
            let step = state.done + 1;
            return Ok(End::Diverged { step });
        }
        if !rolled_back {
            state.patience.see(terms.total, state.step);
            state.image = state.optimizer.update(x, gradient, terms.total);
            state.average.add(&state.image);
            state.step += 1;
            state.done += 1;
        }
        state.image.device().sync().map_err(DeviceError::compute)?;
        let event = Event::Step(Step {
            scale: state.scale + 1,
            step: state.step,
            done: state.done,
            terms,
            seconds: start.elapsed().as_secs_f64(),
            rolled_back,
            state,
        });
        if observe(&event).is_break() {
            return Ok(End::Stopped);
        }
    }
    Ok(End::Finished)
}
