use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use nst::Job;
use nst::loss::Objective;
use nst::optimize::{Adam, losses_and_gradient};
use nst::tiles::{Tile, Tiling};
use nst::vgg::{Layer, Model, Vgg};
use nst::weights::{Convolution, Origin, Place, Preprocessing, Weights};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A transfer between two pictures of noise.
pub struct Stepper {
    vgg: Vgg,
    objective: Objective,
    x: Tensor<4>,
    adam: Adam,
}

impl Stepper {
    /// With pictures of `size` x `size` pixels, on a device.
    pub fn new(model: Model, size: usize, device: &Device) -> Self {
        let job = Job {
            model,
            ..Job::default()
        };
        let vgg = Vgg::new(noisy_weights(model, job.deepest().ok()), device);
        let x = noise(size, 1, device);
        Self {
            objective: Objective::new(
                &job.loss,
                &x,
                &[noise(size, 2, device).into()],
                &vgg,
                Tiling::default(),
            ),
            vgg,
            x,
            adam: Adam::new(job.optimize.lr),
        }
    }

    /// The gradient of a step's loss with respect to the pixels.
    #[cfg(feature = "gpu")]
    pub fn gradient(&self) -> anyhow::Result<Vec<f32>> {
        let gradient = self.evaluate()?;
        Ok(gradient.into_data().iter::<f32>().collect())
    }

    /// Seconds of one step, and of its update of the pixels.
    pub fn step(&mut self) -> anyhow::Result<(f64, f64)> {
        let start = Instant::now();
        let gradient = self.evaluate()?;
        let update = Instant::now();
        self.x = self.adam.update(self.x.clone(), gradient);
        self.x
            .device()
            .sync()
            .map_err(nst::device::DeviceError::compute)?;
        Ok((
            start.elapsed().as_secs_f64(),
            update.elapsed().as_secs_f64(),
        ))
    }

    fn evaluate(&self) -> anyhow::Result<Tensor<4>> {
        let [_, _, height, width] = self.x.dims();
        let tiles = [Tile::whole([height, width])];
        let mut on_tile = |_| ControlFlow::Continue(());
        let evaluated =
            losses_and_gradient(&self.vgg, &self.objective, &tiles, &self.x, &mut on_tile)?;
        Ok(evaluated.expect("nobody gives it up").1)
    }
}

/// He-scaled noise up to a layer, so that features neither vanish nor explode.
fn noisy_weights(model: Model, deepest: Option<Layer>) -> Weights {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut noise = |count: usize, scale: f32| -> Vec<f32> {
        (0..count)
            .map(|_| (random.random::<f32>() - 0.5) * scale)
            .collect()
    };
    let convolutions: BTreeMap<_, _> = model
        .layers()
        .take_while(|&layer| deepest.is_none_or(|deepest| layer <= deepest))
        .map(|layer| {
            let inputs = 9 * layer.inputs();
            let weight = noise(inputs * layer.outputs(), (24.0 / inputs as f32).sqrt());
            let bias = noise(layer.outputs(), 0.2);
            (layer, Convolution { weight, bias })
        })
        .collect();
    Weights {
        model,
        preprocessing: Preprocessing::Torchvision,
        convolutions,
        origin: Origin {
            place: Place::BuiltIn,
            source: None,
            licence: None,
        },
    }
}

fn noise(size: usize, seed: u64, device: &Device) -> Tensor<4> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..3 * size * size).map(|_| random.random()).collect();
    Tensor::from_data(TensorData::new(values, [1, 3, size, size]), device)
}
