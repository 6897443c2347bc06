use std::ops::ControlFlow;

use nst::optimize::State;
use nst::{Draw, Observer, ObserverError, Plan, Step};

use super::{Audience, Ending, Scene};

/// Two audiences as one.
pub struct Both<'a>(pub &'a mut dyn Audience, pub &'a mut dyn Audience);

impl Observer for Both<'_> {
    fn planned(&mut self, plan: &Plan) {
        self.0.planned(plan);
        self.1.planned(plan);
    }

    fn step(&mut self, step: &Step<'_>, draw: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        let (first, second) = (self.0.step(step, draw), self.1.step(step, draw));
        if matches!(first, Ok(ControlFlow::Continue(()))) {
            second
        } else {
            first
        }
    }

    fn stopped(&mut self, state: &State) -> Result<(), ObserverError> {
        self.0.stopped(state).and(self.1.stopped(state))
    }
}

impl Audience for Both<'_> {
    fn note(&self, text: &str) {
        self.0.note(text);
        self.1.note(text);
    }

    fn begins(&mut self, scene: &Scene<'_>) {
        self.0.begins(scene);
        self.1.begins(scene);
    }

    fn ends(&mut self, ending: &Ending<'_>) {
        self.0.ends(ending);
        self.1.ends(ending);
    }
}
