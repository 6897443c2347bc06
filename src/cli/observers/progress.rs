use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use nst::{Draw, Observer, Plan, Step};
use serde::Serialize;
use serde_json::json;

use super::frames::Frames;
use super::interrupt::Interrupt;
use super::keeper::Keeper;
use crate::cli::args::OutputArgs;
use crate::cli::json::print_event;

/// Time between two plain lines where standard error is no terminal.
const PAUSE: Duration = Duration::from_secs(5);

const TEMPLATE: &str = "{bar:24.cyan} {pos}/{len}  {msg}  ETA {eta}";

/// Shows a transfer to a person, a script, or both, and saves frames on the way.
pub struct Progress<'a> {
    /// Where standard error speaks to a person.
    display: Display,
    out: &'a OutputArgs,
    frames: Frames<'a>,
    keeper: Option<&'a Keeper>,
    interrupt: &'a Interrupt,
    steps: usize,
    done: usize,
    /// Whether the transfer was ended before its last step.
    stopped: bool,
    /// What went wrong while saving a frame or printing; ends the transfer.
    failure: Option<anyhow::Error>,
}

enum Display {
    Bar(ProgressBar),
    Lines { last: Instant },
    None,
}

/// What scripts read: the names are a contract.
#[derive(Serialize)]
struct StepLine<'a> {
    event: &'a str,
    scale: usize,
    step: usize,
    done: usize,
    content: f32,
    style: f32,
    tv: f32,
    layers: serde_json::Map<String, serde_json::Value>,
    total: f32,
    seconds: f64,
}

/// The last line of a run: the names are a contract.
#[derive(Serialize)]
pub struct DoneLine {
    pub event: &'static str,
    /// None for the picture of a contact sheet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    pub width: usize,
    pub height: usize,
    pub steps: usize,
    pub seconds: f64,
}

impl<'a> Progress<'a> {
    /// Watches `steps` updates, saves frames and keeps checkpoints.
    pub fn new(
        steps: usize,
        out: &'a OutputArgs,
        frames: Frames<'a>,
        keeper: Option<&'a Keeper>,
        interrupt: &'a Interrupt,
    ) -> Self {
        let display = if out.quiet {
            Display::None
        } else if io::stderr().is_terminal() {
            let style = ProgressStyle::with_template(TEMPLATE).expect("the template is constant");
            Display::Bar(ProgressBar::new(steps as u64).with_style(style))
        } else {
            Display::Lines {
                last: Instant::now(),
            }
        };
        Self {
            display,
            out,
            frames,
            keeper,
            interrupt,
            steps,
            done: 0,
            stopped: false,
            failure: None,
        }
    }

    /// The step after which the transfer was ended, if that was before the last one.
    pub fn stopped_after(&self) -> Option<usize> {
        self.stopped.then_some(self.done)
    }

    /// Ends the display; gives the number of updates done and the frames so far.
    ///
    /// # Errors
    ///
    /// What ended the transfer early, if saving or printing did.
    pub fn finish(self) -> anyhow::Result<(usize, Frames<'a>)> {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok((self.done, self.frames)),
        }
    }

    fn show(&mut self, step: &Step<'_>) {
        if step.rolled_back {
            self.say("the loss exploded: back to the last good picture, with half the step");
            return;
        }
        let terms = &step.terms;
        let text = format!(
            "content {:.4}  style {:.5}  total {:.4}  {:.2} s/step",
            terms.content, terms.style, terms.total, step.seconds
        );
        match &mut self.display {
            Display::Bar(bar) => {
                bar.set_message(text);
                bar.set_position(step.done as u64);
            }
            Display::Lines { last } => {
                if step.done == 1 || step.done == self.steps || last.elapsed() >= PAUSE {
                    eprintln!("step {}/{}  {text}", step.done, self.steps);
                    *last = Instant::now();
                }
            }
            Display::None => {}
        }
    }

    /// Says something without disturbing the bar.
    fn say(&self, text: &str) {
        match &self.display {
            Display::Bar(bar) => bar.suspend(|| eprintln!("note: {text}")),
            Display::Lines { .. } => eprintln!("note: {text}"),
            Display::None => {}
        }
    }

    fn record(&mut self, step: &Step<'_>, draw: Draw<'_>) -> anyhow::Result<()> {
        if self.out.json {
            let line = StepLine {
                event: "step",
                scale: step.scale,
                step: step.step,
                done: step.done,
                content: step.terms.content,
                style: step.terms.style,
                tv: step.terms.tv,
                layers: step
                    .terms
                    .layers
                    .iter()
                    .map(|(layer, loss)| (layer.to_string(), json!(loss)))
                    .collect(),
                total: step.terms.total,
                seconds: step.seconds,
            };
            print_event(&line, self.out.part.as_ref())?;
        }
        if !step.rolled_back && self.frames.wants(step.done) {
            self.frames.save(&draw()?, step.done)?;
        }
        if let Some(keeper) = self.keeper {
            keeper.keep(step, self.interrupt.exit_code().is_some())?;
        }
        Ok(())
    }
}

impl Observer for Progress<'_> {
    fn planned(&mut self, plan: &Plan) {
        if let Display::Lines { .. } = self.display {
            let (width, height) = plan.size();
            let scales = match plan.scales.len() {
                1 => "one scale".into(),
                several => format!("{several} scales"),
            };
            eprintln!(
                "painting {width}x{height} in {} steps at {scales}",
                self.steps
            );
        }
    }

    fn step(&mut self, step: &Step<'_>, draw: Draw<'_>) -> ControlFlow<()> {
        self.done = step.done;
        self.show(step);
        if let Err(error) = self.record(step, draw) {
            self.failure = Some(error);
        } else if self.interrupt.exit_code().is_none() {
            return ControlFlow::Continue(());
        }
        self.stopped = step.done < self.steps;
        ControlFlow::Break(())
    }
}
