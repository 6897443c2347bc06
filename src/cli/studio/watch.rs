use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nst::{Draw, Observer, ObserverError, Plan, Step};

use super::job::{Pace, Progress, Status};
use super::state::Studio;
use crate::cli::observers::{Audience, Ending, Interrupt, Scene};
use crate::cli::reports::{Image, Recorder};

/// Longest side of the live picture, in pixels.
const LIVE: usize = 1024;
/// Least time between two live pictures.
const PAUSE: Duration = Duration::from_millis(500);
/// Drawing may take one part in so many of the time: with a page that watches, painting is as fast as
/// without.
const SHARE: u32 = 100;

/// Watches a job for the pages, and does to it what they want.
pub struct Watch<'a> {
    studio: &'a Studio,
    id: u32,
    interrupt: &'a Interrupt,
    recorder: Recorder,
    pace: Pace,
    /// When the next live picture may be drawn.
    next: Instant,
    plan: Option<Plan>,
    seconds: f64,
}

impl<'a> Watch<'a> {
    /// Watches this job.
    pub fn new(studio: &'a Studio, id: u32, interrupt: &'a Interrupt) -> Self {
        Self {
            studio,
            id,
            interrupt,
            recorder: Recorder::with_side(LIVE),
            pace: Pace::default(),
            next: Instant::now(),
            plan: None,
            seconds: 0.0,
        }
    }

    /// The picture as it is, if anybody looks and it is time.
    fn live(&mut self, draw: Draw<'_>) -> Option<Image> {
        let start = Instant::now();
        if start < self.next || !self.studio.is_watched() {
            return None;
        }
        // One that cannot be drawn is missed by nobody: the step itself fails then.
        let image = draw().ok().and_then(|picture| Image::of(&picture, LIVE));
        self.next = start + PAUSE.max(start.elapsed() * SHARE);
        image
    }

    fn progress(&mut self, step: &Step<'_>) -> Progress {
        self.seconds += step.seconds;
        let plan = self.plan.as_ref();
        let scales = plan.map_or(&[][..], |plan| &plan.scales);
        let scale = scales.get(step.scale.saturating_sub(1));
        let (width, height) = scale.map(|scale| scale.size).unwrap_or_default();
        let left = plan.map_or(0, |plan| plan.left(step.scale, step.step));
        Progress {
            done: step.done,
            steps: step.done + left,
            scale: step.scale,
            scales: scales.len(),
            width,
            height,
            seconds: self.seconds,
            left: self.pace.left(step.scale, step.step, step.seconds),
            total: Some(step.terms.total).filter(|total| total.is_finite()),
        }
    }
}

impl Observer for Watch<'_> {
    fn planned(&mut self, plan: &Plan) {
        self.pace = Pace::new(&plan.scales);
        self.plan = Some(plan.clone());
        self.seconds = 0.0;
    }

    fn step(&mut self, step: &Step<'_>, draw: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        let recorded = self.recorder.step(step, draw)?;
        let image = self.live(draw);
        let progress = self.progress(step);
        let losses = &self.recorder.current().losses;
        self.studio.change_job(self.id, |job| {
            job.shown.progress = progress;
            for (name, curve) in losses {
                let seen = job.record.losses.entry(name.clone()).or_default();
                seen.extend_from_slice(&curve[seen.len().min(curve.len())..]);
            }
            if let Some(image) = image {
                job.show(image);
            }
        });
        if self.studio.goes_on(self.id, self.interrupt) {
            return Ok(recorded);
        }
        Ok(ControlFlow::Break(()))
    }
}

impl Audience for Watch<'_> {
    fn note(&self, text: &str) {
        self.recorder.note(text);
        let note = text.to_owned();
        self.studio
            .change_job(self.id, |job| job.shown.notes.push(note));
    }

    fn begins(&mut self, scene: &Scene<'_>) {
        self.recorder.begins(scene);
        let record = self.recorder.current().clone();
        self.studio.change_job(self.id, |job| {
            job.before = record.before.clone().map(Arc::new);
            job.shown.has_before = job.before.is_some();
            job.shown.network.clone_from(&record.network);
            job.shown.status = Status::Running;
            job.record = record;
        });
    }

    fn ends(&mut self, ending: &Ending<'_>) {
        self.recorder.ends(ending);
        let Some(record) = self.recorder.done.pop() else {
            return;
        };
        self.studio.change_job(self.id, |job| {
            if job.shown.sweep.is_some() {
                job.tiles.push(record.clone());
                job.shown.tiles = job.tiles.len();
            }
            if let Some(after) = record.after.clone() {
                job.show(after);
            }
            job.record = record;
        });
    }
}
