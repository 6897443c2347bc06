use super::State;
use crate::loss::LossTerms;

/// Steps between two states that are kept to go back to.
const EVERY: usize = 10;
/// A total so many times the first one of the scale has exploded: a step overshot.
const EXPLOSION: f32 = 4.0;
/// Times in a row that the step is halved before the loop gives up.
const PATIENCE: u32 = 5;

/// Watches the losses of one scale and keeps a state to go back to.
#[derive(Debug, Default)]
pub struct Guard {
    good: Option<State>,
    failures: u32,
}

impl Guard {
    /// Whether the losses at the state's picture are sound; from time to time, keeps the state.
    pub fn is_good(&mut self, state: &mut State, terms: &LossTerms) -> bool {
        let first = *state.first_total.get_or_insert(terms.total);
        let good =
            terms.total.is_finite() && terms.total <= EXPLOSION * first.max(f32::MIN_POSITIVE);
        if !good {
            return false;
        }
        let due = self
            .good
            .as_ref()
            .is_none_or(|kept| state.step >= kept.step + EVERY);
        if due {
            self.good = Some(state.clone());
            self.failures = 0;
        }
        true
    }

    /// Takes the state back to the last good one with half the step, or as it was, and says false,
    /// when that has been done too often.
    pub fn roll_back(&mut self, state: &mut State) -> bool {
        let Some(good) = &mut self.good else {
            return false;
        };
        *state = good.clone();
        self.failures += 1;
        if self.failures > PATIENCE {
            return false;
        }
        state.optimizer.halve();
        good.optimizer.halve();
        true
    }
}
