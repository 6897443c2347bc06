use std::ops::ControlFlow;

use nst::{Draw, Observer, ObserverError, Step};
use serde::Serialize;
use serde_json::json;

use crate::cli::args::Part;
use crate::cli::json::print_event;

/// Prints one line for scripts after each step.
pub struct JsonSteps<'a> {
    part: Option<&'a Part>,
}

impl<'a> JsonSteps<'a> {
    /// For a transfer that is a part of something.
    pub fn new(part: Option<&'a Part>) -> Self {
        Self { part }
    }
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
pub struct EndLine {
    /// `done`, or `diverged` where the picture is the last good one.
    pub event: &'static str,
    /// None for the picture of a contact sheet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    pub width: usize,
    pub height: usize,
    pub steps: usize,
    pub seconds: f64,
}

impl Observer for JsonSteps<'_> {
    fn step(&mut self, step: &Step<'_>, _: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        let layers = step.terms.layers.iter();
        let line = StepLine {
            event: "step",
            scale: step.scale,
            step: step.step,
            done: step.done,
            content: step.terms.content,
            style: step.terms.style,
            tv: step.terms.tv,
            layers: layers
                .map(|(layer, loss)| (layer.to_string(), json!(loss)))
                .collect(),
            total: step.terms.total,
            seconds: step.seconds,
        };
        print_event(&line, self.part)?;
        Ok(ControlFlow::Continue(()))
    }
}
