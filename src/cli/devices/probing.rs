//! A GPU tried in a child process, since a crash inside a driver cannot be caught.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use nst::Memo;
use nst::device::{self, Adapter, DeviceError, Slot};

#[cfg(feature = "gpu")]
use super::remembered;
use crate::cli::json::print_json;

/// Longest a GPU may take to start before it counts as broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// What becomes of an adapter that is tried: none if it is not there.
pub type Tried = Result<Option<Adapter>, DeviceError>;

/// Starts a GPU in this process, computes with it, and prints what it is or why not.
pub fn probe(slot: Slot) -> anyhow::Result<ExitCode> {
    print_json(&started(slot))?;
    Ok(ExitCode::SUCCESS)
}

fn started(slot: Slot) -> Result<Option<Adapter>, String> {
    let reason = |error| match error {
        DeviceError::Gpu(reason) => reason,
        other => other.to_string(),
    };
    let (device, adapter) = match device::gpu(slot) {
        Err(DeviceError::NoAdapter(_)) => return Ok(None),
        started => started.map_err(reason)?,
    };
    device::try_out(&device).map_err(reason)?;
    #[cfg(feature = "gpu")]
    remembered::found_out(&device, &adapter);
    Ok(Some(adapter))
}

/// Tries a GPU in a child process, once; for builds that have one.
pub fn probed(slot: Slot) -> Tried {
    static PROBED: Memo<Slot, Tried> = Memo::new();
    PROBED.get(slot, |&slot| {
        let tried = child(slot).map_err(|error| format!("{error:#}"));
        tried
            .and_then(std::convert::identity)
            .map_err(DeviceError::Gpu)
    })
}

fn child(slot: Slot) -> anyhow::Result<Result<Option<Adapter>, String>> {
    let program = std::env::current_exe().context("nst cannot find its own program")?;
    let mut child = Command::new(program)
        .args(["probe-gpu", &slot.to_string()])
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
