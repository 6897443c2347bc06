//! From backend names to burn devices, and what this machine offers.

mod adapter;

use std::fmt;
use std::num::NonZero;
use std::panic::{self, AssertUnwindSafe, catch_unwind};

use burn::tensor::{Device, Tensor, TensorData};
use sysinfo::{CpuRefreshKind, RefreshKind, System};

use crate::kernels::{Filters, Pool, conv_relu, gram};
use crate::named::named;

pub use adapter::{Adapter, Slot, gpu, hardware};

/// Where the arithmetic runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// burn-flex: any CPU.
    #[default]
    Cpu,
    /// burn-wgpu: Vulkan, Metal or DX12. Needs the feature `gpu`.
    Gpu,
    /// burn-ndarray: slow, an independent check. Needs the feature `ndarray`.
    Ndarray,
    /// The GPU where there is a real one, else the CPU.
    Auto,
}

named!(Backend, "backend": Cpu = "cpu", Gpu = "gpu", Ndarray = "ndarray", Auto = "auto");

/// A backend that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// This build lacks the backend.
    #[error("this nst was built without the {0} backend: build it with `--features {0}`")]
    NotBuilt(&'static str),
    /// The GPU or its driver does not start.
    #[error("no GPU can be used: {0}; use --backend cpu")]
    Gpu(String),
    /// No such GPU is there.
    #[error("there is no GPU {0}; `nst devices` lists those of this machine")]
    NoAdapter(String),
    /// The GPU is emulated on the CPU.
    #[error(
        "the GPU found is {0}, which a driver emulates on the CPU, far slower than \
         --backend cpu; set NST_SOFTWARE_GPU=1 to use it all the same"
    )]
    Software(String),
    /// The device failed during the work.
    #[error("the compute device failed: {0}; try a smaller --size or --tile, or --backend cpu")]
    Compute(String),
    /// The thread count cannot be set.
    #[error("--threads: the thread pool cannot be set up: {0}")]
    Threads(String),
}

impl DeviceError {
    /// A failure during the work, in the words of the device.
    pub fn compute(error: impl fmt::Display) -> Self {
        Self::Compute(error.to_string())
    }
}

/// The CPU backend.
pub fn cpu() -> Device {
    Device::flex()
}

/// The independent CPU backend.
///
/// # Errors
///
/// If this build lacks it.
pub fn ndarray() -> Result<Device, DeviceError> {
    #[cfg(feature = "ndarray")]
    {
        #[expect(
            deprecated,
            reason = "upstream prefers flex; kept as an independent check"
        )]
        Ok(Device::ndarray())
    }
    #[cfg(not(feature = "ndarray"))]
    Err(DeviceError::NotBuilt("ndarray"))
}

/// A tensor's numbers, in order.
///
/// # Panics
///
/// With a [`DeviceError`], if the device fails: [`crate::stylize`] gives it back as an error.
pub fn read<const D: usize>(x: Tensor<D>) -> TensorData {
    let data = x.try_into_data();
    data.unwrap_or_else(|error| panic::resume_unwind(Box::new(DeviceError::compute(error))))
}

/// Computes a convolution and its gradient on `device` and compares them with the CPU.
///
/// # Errors
///
/// If the device fails or computes something else.
pub fn try_out(device: &Device) -> Result<(), DeviceError> {
    let wrong = |reason: String| DeviceError::Gpu(reason);
    let run = |device: &Device| {
        catch_unwind(AssertUnwindSafe(|| sample(device)))
            .map_err(|_| wrong("it fails to compute".into()))
    };
    let (expected, found) = (run(&cpu())?, run(device)?);
    let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-2 * a.abs().max(1.0);
    if expected.len() == found.len() && expected.iter().zip(&found).all(close) {
        return Ok(());
    }
    Err(wrong("it computes wrong numbers".into()))
}

/// The gradient of a Gram matrix behind one convolution, which exercises both directions.
fn sample(device: &Device) -> Vec<f32> {
    let wave = |count: u16| -> Vec<f32> { (0..count).map(|k| f32::from(k).sin()).collect() };
    let filters = Filters::new(&wave(8 * 27), &wave(8), device);
    let plain = device.clone().without_autodiff();
    let x = Tensor::<4>::from_data(TensorData::new(wave(3 * 64), [1, 3, 8, 8]), &plain);
    let x = x.autodiff().require_grad();
    let y = conv_relu(x.clone(), &filters, Pool::Max);
    let mut gradients = gram(y).square().sum().backward();
    x.grad_remove(&mut gradients)
        .map(|g| g.into_data().iter::<f32>().collect())
        .unwrap_or_default()
}

/// Sets the number of threads of every parallel part, once per process, before any work. Without
/// it there is one for each logical CPU that the process may use; [`threads`] is faster.
///
/// # Errors
///
/// If the pool exists already.
pub fn set_threads(threads: usize) -> Result<(), DeviceError> {
    global(rayon::ThreadPoolBuilder::new().num_threads(threads))
}

/// [`set_threads`] where the calling thread does all the work: it is one of them and need not wake another for
/// each parallel part, which saves two thirds of all switches between threads.
///
/// Other threads must not compute: what they wait for may be left to this one, which need not come to it.
///
/// # Errors
///
/// As [`set_threads`].
pub fn set_threads_with_this(threads: usize) -> Result<(), DeviceError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    global(pool.use_current_thread())
}

fn global(pool: rayon::ThreadPoolBuilder) -> Result<(), DeviceError> {
    let built = pool.build_global();
    built.map_err(|error| DeviceError::Threads(error.to_string()))
}

/// The number of threads that computes fastest: one for each physical core, as far as the process
/// may use them (a container's share of the processor, the cores it is bound to).
pub fn threads() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, NonZero::get);
    fewest(System::physical_core_count().ok(), allowed)
}

/// The processor's name, as the system has it. None where it does not say.
pub fn processor() -> Option<String> {
    let names = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    let system = System::new_with_specifics(names).ok()?;
    let name = system.cpus().first()?.brand().trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The fewer of the two; a virtual machine may know of no physical core.
fn fewest(cores: Option<usize>, allowed: usize) -> usize {
    cores
        .filter(|&cores| cores > 0)
        .map_or(allowed, |cores| cores.min(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_the_physical_cores_as_far_as_they_may_be_used() {
        assert_eq!(fewest(Some(8), 16), 8, "two logical CPUs a core");
        assert_eq!(fewest(Some(32), 2), 2, "a container of two CPUs");
        assert_eq!(fewest(Some(0), 4), 4, "a virtual machine");
        assert_eq!(fewest(None, 4), 4, "a system that does not say");
    }
}
