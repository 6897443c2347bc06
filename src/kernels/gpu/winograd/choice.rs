//! Which way is faster on a card: timed once in a process, on one layer.

use std::time::{Duration, Instant};

use burn::tensor::{DType, Shape};
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::future::block_on;
use burn_cubecl::ops::numeric;
use burn_cubecl::tensor::CubeTensor;

use super::super::super::cpu::layer::Pool;
use super::super::launch::plain_forward;
use super::super::layer::Layer;
use super::super::map::zeros;
use crate::memo::Memo;

/// Channels on both sides of the timed layer.
const CHANNELS: usize = 256;
/// Side of the map on which the cards are told from those that a CPU emulates, and of the timed one.
const SIDES: [usize; 2] = [16, 128];
/// A card takes a hundredth of this for the small map.
const PATIENCE: Duration = Duration::from_millis(20);
/// Times that each way is timed; the fastest counts.
const TIMES: usize = 3;

/// By device.
static KNOWN: Memo<CubeDevice, bool> = Memo::new();

/// Whether Winograd's way is faster on a device.
pub fn pays(device: &CubeDevice) -> bool {
    // The unit tests are of both ways: narrow layers go the plain one.
    cfg!(test) || KNOWN.get(device.clone(), measured)
}

/// Has [`pays`] say this of a device that is not timed yet.
pub fn assume(device: &CubeDevice, pays: bool) {
    KNOWN.get(device.clone(), |_| pays);
}

fn measured(device: &CubeDevice) -> bool {
    let like = &numeric::zeros(device.clone(), Shape::from([1]), DType::F32);
    let weight = vec![0.0; CHANNELS * CHANNELS * 9];
    let layer = Layer::new(&weight, &[0.0; CHANNELS], CHANNELS, &like.client);
    let [small, large] = SIDES.map(|side| zeros([CHANNELS, side, side], like));
    let plain = |x: &CubeTensor| fastest(x, || drop(plain_forward(x, &layer, Pool::None)));
    if plain(&small) > PATIENCE {
        return false;
    }
    let other = fastest(&large, || drop(super::forward(&large, &layer, Pool::None)));
    other < plain(&large)
}

/// The time of work on the device of `x`, after once to compile it.
fn fastest(x: &CubeTensor, work: impl Fn()) -> Duration {
    let timed = |_| {
        let start = Instant::now();
        work();
        // A failure shows again in the work that is waited for next.
        let _ = block_on(x.client.sync());
        start.elapsed()
    };
    timed(0);
    (0..TIMES).map(timed).min().unwrap_or(Duration::MAX)
}
