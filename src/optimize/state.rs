use burn::tensor::Tensor;
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};

use super::{Average, Guard, Optimizer, Patience, Settings};

/// Everything the loop remembers between two steps.
#[derive(Clone, Debug)]
pub struct State {
    /// The picture that is optimised, `[1, 3, height, width]` in [0, 1].
    pub image: Tensor<4>,
    /// What the optimiser remembers.
    pub optimizer: Optimizer,
    /// The average of the pictures so far, at this scale.
    pub average: Average,
    /// The scale, from 0.
    pub scale: usize,
    /// Updates done at this scale.
    pub step: usize,
    /// Updates done at all scales.
    pub done: usize,
    /// Whether the loss at this scale still falls.
    pub patience: Patience,
    /// The total loss at this scale's first picture, once it is known.
    pub first_total: Option<f32>,
    /// What to go back to if the loss explodes.
    pub guard: Guard,
}

impl State {
    /// Before the first step, from the picture `image`.
    pub fn new(settings: &Settings, image: Tensor<4>) -> Self {
        Self {
            image,
            optimizer: Optimizer::new(settings),
            average: Average::new(settings.average),
            scale: 0,
            step: 0,
            done: 0,
            patience: Patience::new(settings.patience),
            first_total: None,
            guard: Guard::default(),
        }
    }

    /// The picture to show and to save: the average, or the best so far, or the current one.
    pub fn shown(&self) -> Tensor<4> {
        self.average
            .value()
            .unwrap_or_else(|| self.optimizer.settled(&self.image))
    }

    /// Moves on to the next scale, of `width` x `height` pixels.
    ///
    /// The picture goes up bicubically, and with it what the optimiser remembers; the average
    /// begins anew.
    pub fn next_scale(&mut self, (width, height): (usize, usize)) {
        self.image = enlarged(self.shown(), [height, width], InterpolateMode::Bicubic);
        self.optimizer.enlarge([height, width]);
        self.average.restart();
        self.patience.restart();
        self.scale += 1;
        self.step = 0;
        self.first_total = None;
        self.guard = Guard::default();
    }
}

/// A picture `[1, 3, height, width]` at another size, clamped to [0, 1].
fn enlarged(x: Tensor<4>, size: [usize; 2], mode: InterpolateMode) -> Tensor<4> {
    resampled(x, size, mode).clamp(0.0, 1.0)
}

/// A map at another size, pixel centres aligned as in a picture.
pub(super) fn resampled(x: Tensor<4>, size: [usize; 2], mode: InterpolateMode) -> Tensor<4> {
    let options = InterpolateOptions::new(mode)
        .with_align_corners(false)
        .with_output_size(size);
    interpolate(x, options)
}
