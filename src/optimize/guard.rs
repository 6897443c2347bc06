use super::{Optimizer, State};

/// Steps between two states that are kept to go back to.
const EVERY: usize = 10;
/// A total so many times the first one of the scale has exploded: a step overshot.
const EXPLOSION: f32 = 4.0;
/// Times in a row that the step is halved before the loop gives up.
const HALVINGS: u32 = 5;

/// What the loop goes back to when a loss explodes at the current scale.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// The last good state; its own guard is empty.
    pub good: Option<Box<State>>,
    /// Times in a row that the loop went back to it.
    pub failures: u32,
}

impl State {
    /// Whether a total loss at the state's picture is sound; from time to time, keeps the state.
    ///
    /// A total below `blank`, that of a picture with nothing in it, is no explosion, however small
    /// the first one was. L-BFGS turns a trial with a higher loss down by itself.
    pub(super) fn is_sound(&mut self, total: f32, blank: f32) -> bool {
        let first = *self.first_total.get_or_insert(total);
        let bound = match self.optimizer {
            Optimizer::Lbfgs(_) => f32::INFINITY,
            _ => blank.max(EXPLOSION * first),
        };
        if !total.is_finite() || total > bound {
            return false;
        }
        let kept = self.guard.good.as_ref();
        if kept.is_none_or(|kept| self.step >= kept.step + EVERY) {
            self.guard = Guard {
                good: Some(Box::new(self.to_keep())),
                failures: 0,
            };
        }
        true
    }

    /// This state as one can go back to it: with a sound picture, and what halving leaves of
    /// L-BFGS's memory.
    fn to_keep(&self) -> Self {
        let mut kept = Self {
            image: self.optimizer.settled(&self.image),
            guard: Guard::default(),
            ..self.clone()
        };
        if let Optimizer::Lbfgs(lbfgs) = &mut kept.optimizer {
            lbfgs.forget();
        }
        kept
    }

    /// Goes back to the last good state with half the step, or as it was, and says false, when
    /// that has been done too often.
    pub(super) fn roll_back(&mut self) -> bool {
        let mut guard = std::mem::take(&mut self.guard);
        let Some(good) = &mut guard.good else {
            return false;
        };
        guard.failures += 1;
        let again = guard.failures <= HALVINGS;
        if again {
            good.optimizer.halve();
        }
        *self = (**good).clone();
        self.guard = guard;
        again
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;
    use crate::optimize::{Method, Settings};

    fn grey(value: f32) -> Tensor<4> {
        Tensor::full([1, 3, 2, 2], value, &Device::flex())
    }

    fn state(method: Method) -> State {
        let settings = Settings {
            method,
            ..Settings::default()
        };
        State::new(&settings, grey(0.5))
    }

    fn level(state: &State) -> f32 {
        state.image.clone().mean().into_scalar()
    }

    #[test]
    fn a_total_is_sound_up_to_four_times_the_first_or_that_of_a_blank_picture() {
        let mut state = state(Method::Adam);
        assert!(state.is_sound(10.0, 21.0));
        assert!(state.is_sound(39.0, 21.0));
        assert!(!state.is_sound(41.0, 21.0));
        assert!(state.is_sound(41.0, 42.0));
        for total in [f32::NAN, f32::INFINITY] {
            assert!(!state.is_sound(total, 42.0));
        }
    }

    #[test]
    fn a_start_at_the_minimum_does_not_make_every_total_an_explosion() {
        let mut state = state(Method::Adam);
        assert!(state.is_sound(0.0, 21.0) && state.is_sound(1.0, 21.0));
        assert!(!state.is_sound(22.0, 21.0));
    }

    #[test]
    fn a_trial_of_lbfgs_may_be_bad_but_not_without_a_number() {
        let mut state = state(Method::Lbfgs);
        assert!(state.is_sound(1.0, 2.0));
        let (x, gradient) = (state.image.clone(), grey(1.0));
        state.image = state.optimizer.update(x, gradient, 1.0);
        state.step = 20;
        assert!(state.is_sound(1e9, 2.0));
        assert!(!state.is_sound(f32::NAN, 2.0));
        assert!(state.roll_back());
        let off = level(&state) - 0.5;
        assert!(off.abs() < 1e-6, "the trial is not what is gone back to");
    }

    #[test]
    fn five_times_the_step_is_halved_and_then_the_good_picture_is_left() {
        let mut state = state(Method::GradientDescent);
        assert!(state.is_sound(1.0, 0.0));
        let rate = |state: &State| match state.optimizer {
            Optimizer::GradientDescent { lr } => lr,
            _ => panic!("another method"),
        };
        let first = rate(&state);
        for k in 1..=6 {
            (state.image, state.step) = (grey(0.9), 3);
            assert_eq!(state.roll_back(), k <= 5, "time {k}");
            assert_eq!(state.step, 0);
            assert!((level(&state) - 0.5).abs() < 1e-6);
            let halvings = rate(&state).log2() - first.log2();
            assert!((halvings + k.min(5) as f32).abs() < 1e-3, "{halvings}");
        }
    }
}
