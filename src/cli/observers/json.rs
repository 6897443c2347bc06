use std::ops::ControlFlow;
use std::path::PathBuf;

use nst::{Draw, Observer, ObserverError, Step};
use serde::Serialize;
use serde_json::json;

use crate::cli::json::print_json;

/// Prints one line for scripts after each step.
pub struct JsonSteps;

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
    pub output: PathBuf,
    pub width: usize,
    pub height: usize,
    pub steps: usize,
    pub seconds: f64,
}

impl Observer for JsonSteps {
    fn step(&mut self, step: &Step<'_>, _: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        let layers = step.terms.layers.iter();
        print_json(&StepLine {
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
        })?;
        Ok(ControlFlow::Continue(()))
    }
}
