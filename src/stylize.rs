//! A whole transfer: from two pictures to one.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};

use crate::error::Error;
use crate::job::{Init, Job, Plan};
use crate::loss::{ContentTarget, Objective, StyleTarget};
use crate::optimize::{Run, Step, optimize};
use crate::picture::Picture;
use crate::vgg::Vgg;

/// Someone who watches a transfer. Every method does nothing unless written.
pub trait Observer {
    /// The job was checked and begins.
    fn planned(&mut self, plan: &Plan) {
        let _ = plan;
    }

    /// One update is done. `Break` ends the transfer with the picture so far as its result.
    fn step(&mut self, step: &Step<'_>) -> ControlFlow<()> {
        let _ = step;
        ControlFlow::Continue(())
    }
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}

/// Paints `content` in the style of `style`.
///
/// The result has the aspect ratio of `content`, its long side is `job.size`, and it keeps its
/// alpha and bit depth.
///
/// # Errors
///
/// If the job cannot be, `vgg` is not the network it asks for, the loss stops being a number, or
/// the device fails, which burn reports by a panic that is caught here.
pub fn stylize(
    job: &Job,
    content: &Picture,
    style: &Picture,
    vgg: &Vgg,
    observer: &mut dyn Observer,
) -> Result<Picture, Error> {
    let plan = job.plan((content.width, content.height), (style.width, style.height))?;
    check_network(job, &plan, vgg)?;
    observer.planned(&plan);
    let content = content.resized(plan.size.0, plan.size.1);
    let style = style.resized(plan.style_size.0, plan.style_size.1);
    let painted = caught(|| paint(job, &content, &style, vgg, observer))?;
    Ok(Picture {
        pixels: painted.pixels,
        notes: Vec::new(),
        ..content
    })
}

fn check_network(job: &Job, plan: &Plan, vgg: &Vgg) -> Result<(), Error> {
    if vgg.model() == job.model && vgg.layers().any(|layer| layer == plan.deepest) {
        return Ok(());
    }
    Err(Error::Network {
        model: job.model,
        deepest: plan.deepest,
    })
}

fn paint(
    job: &Job,
    content: &Picture,
    style: &Picture,
    vgg: &Vgg,
    observer: &mut dyn Observer,
) -> Result<Picture, Error> {
    let device = vgg.device();
    let target = to_tensor(content, &device);
    let objective = objective(job, &target, &to_tensor(style, &device), vgg);
    let start = start(job, content, style, target);
    let run = Run {
        scale: 1,
        steps: job.steps,
        method: job.method,
        lr: job.lr,
    };
    let x = optimize(vgg, &objective, start, run, &mut |step| observer.step(step))?;
    to_picture(&x)
}

/// Computes every target once, from pictures of shape `[1, 3, height, width]` in [0, 1].
pub fn objective(job: &Job, content: &Tensor<4>, style: &Tensor<4>, vgg: &Vgg) -> Objective {
    let kind = job.normalisation;
    let content = vgg.features(content.clone(), &job.content_layers);
    let style = vgg.features(style.clone(), &job.style_layers);
    Objective {
        alpha: job.alpha,
        beta: job.beta,
        content: content
            .into_iter()
            .map(|(layer, features)| ContentTarget::new(layer, features, kind))
            .collect(),
        style: style
            .iter()
            .map(|(&layer, features)| StyleTarget::new(layer, features, kind))
            .collect(),
    }
}

fn start(job: &Job, content: &Picture, style: &Picture, target: Tensor<4>) -> Tensor<4> {
    let (width, height) = (content.width, content.height);
    let device = target.device();
    match &job.init {
        Init::Content => target,
        Init::Style => to_tensor(&style.resized(width, height), &device),
        Init::Picture(picture) => to_tensor(&picture.resized(width, height), &device),
        Init::Noise => {
            let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(job.seed);
            let noise: Vec<f32> = (0..3 * width * height).map(|_| random.random()).collect();
            Tensor::from_data(TensorData::new(noise, [1, 3, height, width]), &device)
        }
    }
}

/// A picture as a tensor `[1, 3, height, width]` of sRGB values in [0, 1].
pub fn to_tensor(picture: &Picture, device: &Device) -> Tensor<4> {
    let shape = [1, 3, picture.height, picture.width];
    Tensor::from_data(TensorData::new(picture.planes(), shape), device)
}

/// A tensor `[1, 3, height, width]` in [0, 1] as a picture without alpha.
///
/// # Errors
///
/// If the device fails.
pub fn to_picture(x: &Tensor<4>) -> Result<Picture, Error> {
    let [_, _, height, width] = x.dims();
    let data = x.try_to_data().map_err(Error::device)?;
    let planes: Vec<f32> = data.iter::<f32>().collect();
    Ok(Picture::from_planes(width, height, &planes)?)
}

/// Runs `work`, turning a panic of the compute device into an error.
fn caught<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given");
        Err(Error::device(text))
    })
}
