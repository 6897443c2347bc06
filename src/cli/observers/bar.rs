use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use nst::optimize::TileProgress;
use nst::{Draw, Observer, ObserverError, Plan, Step};

use crate::cli::say;

/// Time between two plain lines where standard error is no terminal.
const PAUSE: Duration = Duration::from_secs(5);

const TEMPLATE: &str = "{bar:24.cyan} {pos}/{len}  {msg}  ETA {eta}";

/// Shows a transfer to a person: a bar on a terminal, else a line from time to time.
pub struct Bar {
    plan: Plan,
    shown: Shown,
    /// What was last said of a step.
    text: String,
}

enum Shown {
    Bar(ProgressBar),
    Lines { last: Instant },
}

impl Bar {
    /// Shows the updates of a plan.
    pub fn new(plan: &Plan) -> Self {
        let shown = if io::stderr().is_terminal() {
            Shown::Bar(say::bar(plan.steps() as u64, TEMPLATE))
        } else {
            Shown::Lines {
                last: Instant::now(),
            }
        };
        Self {
            plan: plan.clone(),
            shown,
            text: String::new(),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Bar {
    fn planned(&mut self, plan: &Plan) {
        if let Shown::Lines { .. } = self.shown {
            let (width, height) = plan.size();
            let scales = match plan.scales.len() {
                1 => "one scale".into(),
                several => format!("{several} scales"),
            };
            let steps = plan.steps();
            say::line(format_args!(
                "painting {width}x{height} in {steps} steps at {scales}"
            ));
        }
    }

    fn step(&mut self, step: &Step<'_>, _: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        if step.rolled_back {
            say::note("the loss exploded: back to the last good picture, with half the step");
            return Ok(ControlFlow::Continue(()));
        }
        let terms = &step.terms;
        self.text = format!(
            "content {:.4}  style {:.5}  total {:.4}  {:.2} s/step",
            terms.content, terms.style, terms.total, step.seconds
        );
        let text = &self.text;
        // Fewer than were planned where a scale has ended before.
        let steps = step.done + self.plan.left(step.scale, step.step);
        match &mut self.shown {
            Shown::Bar(bar) => {
                bar.set_message(text.clone());
                bar.set_length(steps as u64);
                bar.set_position(step.done as u64);
            }
            Shown::Lines { last } => {
                if step.done == 1 || step.done == steps || last.elapsed() >= PAUSE {
                    say::line(format_args!("step {}/{steps}  {text}", step.done));
                    *last = Instant::now();
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn tile(&mut self, progress: TileProgress) -> ControlFlow<()> {
        let TileProgress { done, of } = progress;
        match &mut self.shown {
            Shown::Bar(bar) => bar.set_message(format!("{}  tile {done}/{of}", self.text)),
            Shown::Lines { last } => {
                if last.elapsed() >= PAUSE && done < of {
                    say::line(format_args!("tile {done}/{of} of the next step"));
                    *last = Instant::now();
                }
            }
        }
        ControlFlow::Continue(())
    }
}
