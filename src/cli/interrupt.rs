//! Signals: the first one ends a run with what there is so far, the second one at once.

use std::io;
use std::ops::ControlFlow;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nst::optimize::TileProgress;
use nst::{Draw, Observer, ObserverError, Step};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Remembers the first interruption; the second one ends the process at once.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    signal: Arc<AtomicUsize>,
    /// Whether even the first one does, because there is nothing to save.
    at_once: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and, unless `nohup` has it ignored, SIGHUP from now on.
    pub fn listen() -> io::Result<Self> {
        let this = Self::default();
        let armed = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM].into_iter().chain(hangup()) {
            // Handlers run in this order, so only a second signal finds the switch armed.
            for switch in [&this.at_once, &armed] {
                flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(switch))?;
            }
            flag::register(signal, Arc::clone(&armed))?;
            let number = usize::try_from(signal).expect("signal numbers are positive");
            flag::register_usize(signal, Arc::clone(&this.signal), number)?;
        }
        Ok(this)
    }

    /// The exit code owed to the signal that came, if one did: 130, 143 or 129.
    pub fn exit_code(&self) -> Option<u8> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            signal => u8::try_from(128 + signal).ok(),
        }
    }

    /// As if a signal had come, unless one has.
    pub fn stop(&self) {
        let signal = usize::try_from(SIGTERM).expect("signal numbers are positive");
        let order = Ordering::Relaxed;
        let _ = self.signal.compare_exchange(0, signal, order, order);
        self.at_once(self.at_once.load(order));
    }

    /// Whether a signal is to end the process at once; one that came before does so now.
    pub fn at_once(&self, so: bool) {
        self.at_once.store(so, Ordering::Relaxed);
        if let Some(code) = self.exit_code().filter(|_| so) {
            process::exit(code.into());
        }
    }
}

impl Interrupt {
    fn wish(&self) -> ControlFlow<()> {
        match self.exit_code() {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }
}

impl Observer for &Interrupt {
    fn step(&mut self, _: &Step<'_>, _: Draw<'_>) -> Result<ControlFlow<()>, ObserverError> {
        Ok(self.wish())
    }

    fn tile(&mut self, _: TileProgress) -> ControlFlow<()> {
        self.wish()
    }
}

/// Takes the signal of a file that grows past its limit (`ulimit -f`) and does nothing, so that the
/// write fails as on a full disk and the picture is saved elsewhere.
pub fn outlive_file_limits() -> io::Result<()> {
    #[cfg(unix)]
    flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
    Ok(())
}

/// The signal of a lost terminal, unless whoever started this process has it ignored, which is known
/// on Linux only.
#[cfg(unix)]
fn hangup() -> Option<i32> {
    use signal_hook::consts::SIGHUP;

    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let ignored = mask.is_some_and(|mask| mask & 1 << (SIGHUP - 1) != 0);
    (!ignored).then_some(SIGHUP)
}

#[cfg(not(unix))]
fn hangup() -> Option<i32> {
    None
}
