use std::ops::ControlFlow;

use nst::optimize::{State, TileProgress};
use nst::{Draw, Observer, ObserverError, Plan, Step};

/// Several observers as one. All are told of everything, whatever one of them says: the transfer
/// ends if any wants it to, and the first failure counts.
pub struct Watchers<'a>(pub Vec<&'a mut dyn Observer>);

impl Observer for Watchers<'_> {
    fn planned(&mut self, plan: &Plan) {
        for observer in &mut self.0 {
            observer.planned(plan);
        }
    }

    fn step(&mut self, step: &Step<'_>, draw: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        let mut all = Ok(ControlFlow::Continue(()));
        for observer in &mut self.0 {
            let one = observer.step(step, draw);
            if !matches!(one, Ok(ControlFlow::Continue(()))) && all.is_ok() {
                all = one;
            }
        }
        all
    }

    fn tile(&mut self, progress: TileProgress) -> ControlFlow<()> {
        let mut all = ControlFlow::Continue(());
        for observer in &mut self.0 {
            if observer.tile(progress).is_break() {
                all = ControlFlow::Break(());
            }
        }
        all
    }

    fn stopped(&mut self, state: &State) -> Result<(), ObserverError> {
        let mut all = Ok(());
        for observer in &mut self.0 {
            all = all.and(observer.stopped(state));
        }
        all
    }
}
