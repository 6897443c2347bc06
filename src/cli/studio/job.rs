use std::sync::Arc;

use nst::job::Scale;
use serde::Serialize;

use super::ask::{Ask, Order, SweepAsk};
use crate::cli::flags::Flags;
use crate::cli::reports::{Image, Record};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Queued,
    /// Pictures and weights are being read.
    Starting,
    Running,
    Paused,
    Done,
    /// Stopped by the page; its picture is saved if it had one.
    Stopped,
    /// The loss exploded: the last good picture is saved.
    Diverged,
    Failed,
}

impl Status {
    /// Whether nothing more will become of the job.
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Stopped | Self::Diverged | Self::Failed
        )
    }
}

/// A run that the page asked for.
pub struct Job {
    pub id: u32,
    pub ask: Ask,
    pub flags: Flags,
    pub output: std::path::PathBuf,
    pub shown: Shown,
    /// What the page wants of it.
    pub pause: bool,
    pub stop: bool,
    pub before: Option<Arc<Image>>,
    pub live: Option<Arc<Image>>,
    /// What has been seen of it: of the last picture, if it is a sheet.
    pub record: Record,
    /// What has been seen of the pictures of its sheet that are ready.
    pub tiles: Vec<Record>,
}

/// What the page is told of a job.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    pub id: u32,
    pub name: String,
    pub status: Status,
    pub command: String,
    pub progress: Progress,
    /// What went wrong.
    pub error: Option<String>,
    pub notes: Vec<String>,
    /// Counts the live pictures.
    pub live: u32,
    pub has_before: bool,
    pub sweep: Option<SweepAsk>,
    /// Pictures of the sheet that are ready.
    pub tiles: usize,
    pub network: String,
    /// The id of its picture, when that is saved.
    pub picture: Option<String>,
}

/// How far a job is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Progress {
    pub done: usize,
    pub steps: usize,
    /// The scale it is at, from 1.
    pub scale: usize,
    pub scales: usize,
    pub width: usize,
    pub height: usize,
    /// Seconds that the steps so far took.
    pub seconds: f64,
    /// Seconds left, if that can be said.
    pub left: Option<f64>,
    pub total: Option<f32>,
}

impl Job {
    /// A job that waits for its turn.
    pub fn new(id: u32, ask: Ask, order: Order) -> Self {
        let shown = Shown {
            id,
            name: order.output.display().to_string(),
            status: Status::Queued,
            command: order.command,
            progress: Progress::default(),
            error: None,
            notes: Vec::new(),
            live: 0,
            has_before: false,
            sweep: order.sweep,
            tiles: 0,
            network: String::new(),
            picture: None,
        };
        Self {
            id,
            ask,
            flags: order.flags,
            output: order.output,
            shown,
            pause: false,
            stop: false,
            before: None,
            live: None,
            record: Record::default(),
            tiles: Vec::new(),
        }
    }

    /// Ends it: at once while it waits, else after the step that is being done.
    pub fn halt(&mut self) {
        self.stop = true;
        if self.shown.status == Status::Queued {
            self.shown.status = Status::Stopped;
        }
    }

    /// Shows another picture.
    pub fn show(&mut self, image: Image) {
        self.live = Some(Arc::new(image));
        self.shown.live += 1;
    }
}

/// How long the rest of a run takes, from what its work has taken so far.
#[derive(Debug, Default)]
pub struct Pace {
    /// Work of a step and number of steps of every scale.
    scales: Vec<(f64, usize)>,
    /// Seconds for the work of one pixel.
    each: Option<f64>,
}

impl Pace {
    /// The pace of a run over these scales.
    pub fn new(scales: &[Scale]) -> Self {
        Self {
            scales: scales.iter().map(|s| (s.work(), s.steps)).collect(),
            each: None,
        }
    }

    /// The seconds left after a step, the `step`th of this scale, both from 1.
    pub fn left(&mut self, scale: usize, step: usize, seconds: f64) -> Option<f64> {
        let (work, steps) = *self.scales.get(scale.checked_sub(1)?)?;
        let now = seconds / work.max(1.0);
        // A mean that forgets slowly: one step may be disturbed, and coarse scales are slower by pixel.
        let each = self.each.map_or(now, |each| 0.8 * each + 0.2 * now);
        self.each = Some(each);
        let rest = self.scales[scale..].iter();
        let rest: f64 = rest.map(|(work, steps)| work * *steps as f64).sum();
        let here = work * steps.saturating_sub(step) as f64;
        Some(each * (rest + here))
    }
}

#[cfg(test)]
mod tests {
    use nst::tiles::Tiling;

    use super::*;

    #[test]
    fn what_is_left_counts_work_not_steps() {
        let scale = |side, steps| Scale {
            size: (side, side),
            styles: Vec::new(),
            steps,
            tiling: Tiling::default(),
        };
        let mut pace = Pace::new(&[scale(10, 2), scale(20, 3)]);
        assert_eq!(pace.left(1, 1, 1.0), Some(1.0 + 3.0 * 4.0));
        assert_eq!(pace.left(2, 3, 4.0), Some(0.0));
        assert_eq!(pace.left(0, 1, 1.0), None);
        assert_eq!(pace.left(3, 1, 1.0), None);
    }
}
