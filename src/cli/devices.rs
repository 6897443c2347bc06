//! Backends: which of them work here, and the device of the one that is asked for.

use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Context;
use burn::tensor::Device;
use nst::device::{self, Adapter, Backend, DeviceError};
use serde::{Deserialize, Serialize};

use crate::cli::json::print_json;

/// Longest a GPU may take to start before it counts as broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a probing child prints.
#[derive(Debug, Deserialize, Serialize)]
struct Probe {
    name: String,
    api: String,
    driver: String,
    software: bool,
    largest_buffer: u64,
}

/// Starts the GPU in this process, computes with it, and prints what it is or why not.
pub fn probe() -> anyhow::Result<ExitCode> {
    print_json(&started())?;
    Ok(ExitCode::SUCCESS)
}

fn started() -> Result<Probe, String> {
    let reason = |error| match error {
        DeviceError::Gpu(reason) => reason,
        other => other.to_string(),
    };
    let (device, adapter) = device::gpu().map_err(reason)?;
    device::try_out(&device).map_err(reason)?;
    let Adapter {
        name,
        api,
        driver,
        software,
        largest_buffer,
    } = adapter;
    Ok(Probe {
        name,
        api,
        driver,
        software,
        largest_buffer,
    })
}

/// The backend that computes in the end, which `auto` leaves open until the GPU is tried.
pub fn effective(backend: Backend) -> Backend {
    match backend {
        Backend::Auto if usable().is_ok() => Backend::Gpu,
        Backend::Auto => Backend::Cpu,
        chosen => chosen,
    }
}

/// The most bytes that one buffer may have on the backend that computes, if there is a bound.
pub fn largest_buffer(backend: Backend) -> Option<u64> {
    let card = (backend == Backend::Gpu).then(usable);
    card.and_then(Result::ok).map(|card| card.largest_buffer)
}

/// The device of a backend and what it is in the end, with a line for the user where the choice was
/// not theirs.
pub fn open(backend: Backend) -> Result<(Device, Backend, Option<String>), DeviceError> {
    let gpu = || -> Result<_, DeviceError> {
        let adapter = usable()?;
        let using = format!("using {adapter}");
        Ok((device::gpu()?.0, Backend::Gpu, Some(using)))
    };
    match backend {
        Backend::Cpu => Ok((device::cpu(), backend, None)),
        Backend::Ndarray => Ok((device::ndarray()?, backend, None)),
        Backend::Gpu => gpu(),
        Backend::Auto => Ok(gpu().unwrap_or_else(|error| {
            let using = format!("using the CPU: {error}");
            (device::cpu(), Backend::Cpu, Some(using))
        })),
    }
}

/// The GPU that `--backend gpu` computes on, or why there is none.
pub fn usable() -> Result<Adapter, DeviceError> {
    device::hardware(probed()?)
}

/// Tries the GPU in a child process, since a crash inside a driver cannot be caught; once.
fn probed() -> Result<Adapter, DeviceError> {
    static PROBED: OnceLock<Result<Adapter, DeviceError>> = OnceLock::new();
    PROBED.get_or_init(probe_in_a_child).clone()
}

fn probe_in_a_child() -> Result<Adapter, DeviceError> {
    if cfg!(not(feature = "gpu")) {
        return Err(DeviceError::NotBuilt("gpu"));
    }
    let found = child()
        .map_err(|error| format!("{error:#}"))
        .and_then(std::convert::identity);
    let Probe {
        name,
        api,
        driver,
        software,
        largest_buffer,
    } = found.map_err(DeviceError::Gpu)?;
    Ok(Adapter {
        name,
        api,
        driver,
        software,
        largest_buffer,
    })
}

fn child() -> anyhow::Result<Result<Probe, String>> {
    let program = std::env::current_exe().context("nst cannot find its own program")?;
    let mut child = Command::new(program)
        .arg("probe-gpu")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("the probing process does not start")?;
    let start = Instant::now();
    while child.try_wait()?.is_none() {
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            anyhow::bail!("its driver hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        anyhow::bail!("its driver crashes ({})", output.status);
    }
    serde_json::from_slice(&output.stdout).context("its driver prints on standard output")
}
