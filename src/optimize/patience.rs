/// Share of the total loss that has to go for it to have fallen.
const LEAST: f32 = 0.01;

/// Whether the loss at a scale still falls: by a hundredth of itself within so many updates.
#[derive(Clone, Debug)]
pub struct Patience {
    updates: usize,
    fallen: Option<Fallen>,
}

/// The total loss when it had last fallen, and the updates done at its scale before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fallen {
    /// The total loss.
    pub total: f32,
    /// Updates at the scale.
    pub step: usize,
}

impl Patience {
    /// Of so many updates; 0 waits for ever.
    pub fn new(updates: usize) -> Self {
        Self {
            updates,
            fallen: None,
        }
    }

    /// Takes in the total loss after `step` updates at the scale.
    pub fn see(&mut self, total: f32, step: usize) {
        let bound = |fallen: Fallen| fallen.total - LEAST * fallen.total.abs();
        if self.fallen.is_none_or(|fallen| total < bound(fallen)) {
            self.fallen = Some(Fallen { total, step });
        }
    }

    /// Whether it is at its end after `step` updates at the scale.
    pub fn is_over(&self, step: usize) -> bool {
        let since = self.fallen.map_or(0, |fallen| step - fallen.step.min(step));
        self.updates > 0 && since > self.updates
    }

    /// Begins anew.
    pub fn restart(&mut self) {
        self.fallen = None;
    }

    /// What it remembers.
    pub fn fallen(&self) -> Option<Fallen> {
        self.fallen
    }

    /// Puts back what [`Self::fallen`] gave.
    pub fn restore(&mut self, fallen: Option<Fallen>) {
        self.fallen = fallen;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The updates after which it is over, given the totals before each.
    fn end(updates: usize, totals: &[f32]) -> Option<usize> {
        let mut patience = Patience::new(updates);
        (1..).zip(totals).find_map(|(step, &total)| {
            patience.see(total, step - 1);
            patience.is_over(step).then_some(step)
        })
    }

    #[test]
    fn a_loss_that_falls_by_a_hundredth_within_the_window_goes_on() {
        let falling: Vec<_> = (0..40).map(|k| 0.996_f32.powi(k)).collect();
        assert_eq!(end(3, &falling), None);
        assert_eq!(end(2, &falling), Some(3));
        assert_eq!(end(0, &[1.0; 50]), None);
    }

    #[test]
    fn it_is_counted_from_the_last_fall() {
        let totals = [4.0, 3.0, 2.0, 1.999, 2.5, 1.99, 1.985, 1.0];
        assert_eq!(end(3, &totals), Some(6));
        assert_eq!(end(4, &totals), Some(7));
        assert_eq!(end(5, &totals), None);
    }
}
