//! Losses that explode: what the loop goes back to, also when it goes on from a checkpoint.

mod common;

use std::ops::ControlFlow;
use std::path::PathBuf;

use burn::tensor::Device;
use common::three_blocks;
use nst::checkpoint::{self, Passport};
use nst::device::Backend;
use nst::job::Size;
use nst::optimize::Method;
use nst::vgg::{Layer, Model};
use nst::{Draw, Inputs, Job, Observer, ObserverError, Picture, Step, loss, optimize};
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;

fn noise(width: usize, height: usize, seed: u64) -> Picture {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let planes: Vec<f32> = (0..3 * width * height).map(|_| random.random()).collect();
    Picture::from_planes(width, height, &planes).unwrap()
}

fn inputs() -> Inputs {
    let mut style = noise(24, 24, 2);
    style.pixels.iter_mut().for_each(|v| *v = v.powi(3));
    Inputs::new(noise(24, 20, 1), style)
}

/// Steps so large that they must be halved, at two scales.
fn job() -> Job {
    Job {
        model: Model::Vgg16,
        loss: loss::Settings {
            content_layers: vec![Layer::new(2, 1).into()],
            style_layers: [1, 2, 3].map(|block| Layer::new(block, 1).into()).into(),
            ..loss::Settings::default()
        },
        optimize: optimize::Settings {
            method: Method::Adam,
            lr: 1.5,
            average: 0.99,
            ..optimize::Settings::default()
        },
        size: Size::Long(24),
        min_size: Some(16),
        steps: 25,
        ..Job::default()
    }
}

/// What a run came through.
struct Diary {
    folder: TempDir,
    passport: Passport,
    /// Total loss, and whether the loop went back, of each step.
    steps: Vec<(f32, bool)>,
}

impl Diary {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            passport: Passport::new(&job(), &inputs(), "", Backend::Cpu),
            steps: Vec::new(),
        }
    }

    /// The checkpoint after so many events.
    fn page(&self, events: usize) -> PathBuf {
        self.folder.path().join(events.to_string())
    }
}

impl Observer for Diary {
    fn step(&mut self, step: &Step<'_>, _: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        self.steps.push((step.terms.total, step.rolled_back));
        checkpoint::save(&self.page(self.steps.len()), step.state, &self.passport)?;
        Ok(ControlFlow::Continue(()))
    }
}

#[test]
fn an_explosion_takes_the_picture_back_and_halves_the_step_until_the_loss_falls() {
    let mut diary = Diary::new();
    nst::stylize(&job(), &inputs(), &three_blocks(), &mut diary).unwrap();
    let first = diary.steps[0].0;
    let back = diary.steps.iter().position(|&(_, back)| back).unwrap();
    assert!(diary.steps[back].0 > 4.0 * first, "{:?}", diary.steps);
    let again = diary.steps[back + 1].0;
    assert_eq!(again.to_bits(), first.to_bits(), "the first picture again");
    let (last, _) = diary.steps.last().unwrap();
    assert!(*last < first, "{:?}", diary.steps);
}

#[test]
fn every_checkpoint_before_and_after_an_explosion_ends_in_the_same_bytes() {
    let (job, inputs, vgg) = (job(), inputs(), three_blocks());
    let mut diary = Diary::new();
    let whole = nst::stylize(&job, &inputs, &vgg, &mut diary).unwrap();
    assert!(diary.steps.iter().filter(|&&(_, back)| back).count() > 1);
    let plan = job.plan(&(&inputs).into()).unwrap();
    for events in 1..=diary.steps.len() {
        let page = diary.page(events);
        let state = checkpoint::load(&page, &job, &plan, &diary.passport, &Device::flex());
        let state = Some(state.unwrap());
        let resumed = nst::resume(&job, &inputs, &vgg, state, &mut nst::Silent).unwrap();
        assert_eq!(resumed.end, whole.end, "from event {events}");
        let same = resumed.picture.pixels == whole.picture.pixels;
        assert!(same, "from event {events}");
    }
}
