//! Panics as errors: burn reports by one that a device failed.

use std::any::Any;
use std::cell::Cell;
use std::env;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use crate::device::DeviceError;
use crate::error::Error;

/// Panics of any thread.
static SEEN: Mutex<Panics> = Mutex::new(Panics {
    first: None,
    last: None,
});

struct Panics {
    /// The first one of the work that was begun last: of a device that fails, it has the reason.
    first: Option<Seen>,
    last: Option<Seen>,
}

#[derive(Clone)]
struct Seen {
    message: String,
    file: String,
    line: u32,
}

/// Runs `work`, turning a panic into an error: into [`Error::Fault`] if it comes from this crate,
/// else it is the compute device's.
///
/// Where a panic comes from only its hook is told, so the first call sets one, which hands on to
/// the one that was there. A device's panic is not handed on while its error tells of it.
pub fn caught<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    static HOOK: Once = Once::new();
    HOOK.call_once(listen);
    seen().first = None;
    let _inside = Inside::enter();
    let worked = catch_unwind(AssertUnwindSafe(work));
    worked
        .unwrap_or_else(|panic| Err(error_of(&*panic)))
        .map_err(|error| match (error, seen().first.clone()) {
            (Error::Device(DeviceError::Compute(_)), Some(first)) if !is_ours(&first.file) => {
                DeviceError::compute(first.message).into()
            }
            (error, _) => error,
        })
}

/// How many are at work, on any thread.
static WORKING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread is.
    static HERE: Cell<bool> = const { Cell::new(false) };
}

/// That this thread is at work.
struct Inside;

impl Inside {
    fn enter() -> Self {
        WORKING.fetch_add(1, Ordering::Relaxed);
        HERE.set(true);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        HERE.set(false);
        WORKING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether what panics on this thread is a device at work: here, or on the thread of its server, which
/// `CubeCL` names so.
fn is_a_device() -> bool {
    let thread = thread::current();
    let server = thread
        .name()
        .is_some_and(|name| name.starts_with("DSU-") || name.starts_with("DSD-"));
    HERE.get() || server && WORKING.load(Ordering::Relaxed) > 0
}

fn seen() -> MutexGuard<'static, Panics> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn error_of(panic: &(dyn Any + Send)) -> Error {
    if let Some(error) = panic.downcast_ref::<DeviceError>() {
        return error.clone().into();
    }
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no reason given");
    // Another thread's panic may be the last one.
    let last = seen().last.clone();
    match last.filter(|seen| seen.message == text && is_ours(&seen.file)) {
        Some(Seen {
            message,
            file,
            line,
        }) => Error::Fault {
            message,
            place: format!("{file}:{line}"),
        },
        None => DeviceError::compute(text).into(),
    }
}

fn listen() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let now = info.location().map(|place| Seen {
            message: info.payload_as_str().unwrap_or_default().to_owned(),
            file: place.file().to_owned(),
            line: place.line(),
        });
        let ours = now.as_ref().is_none_or(|now| is_ours(&now.file));
        let mut seen = seen();
        seen.first = seen.first.take().or_else(|| now.clone());
        seen.last = now;
        drop(seen);
        // Who asks for a backtrace gets all of them.
        if ours || !is_a_device() || env::var_os("RUST_BACKTRACE").is_some() {
            before(info);
        }
    }));
}

/// Whether a source file is one of this crate.
fn is_ours(file: &str) -> bool {
    let home = Path::new(file!())
        .ancestors()
        .find(|folder| folder.ends_with("src"));
    home.is_some_and(|home| Path::new(file).starts_with(home))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};
    use rayon::prelude::*;

    use super::*;

    /// One at a time, so that the last panic is this test's.
    fn error_after(work: impl FnOnce()) -> Error {
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        caught(|| {
            work();
            Ok(())
        })
        .unwrap_err()
    }

    #[test]
    fn a_panic_of_ours_is_our_fault_with_its_message_and_place() {
        let numbers = [1, 2, 3];
        for error in [
            error_after(|| panic!("the sky fell")),
            error_after(|| {
                let fell = |n: &i32| assert!(*n < 3, "the sky fell");
                numbers.par_iter().for_each(fell);
            }),
        ] {
            let text = error.to_string();
            assert!(matches!(error, Error::Fault { .. }), "{text}");
            assert!(
                text.contains("fault of nst") && text.contains("the sky fell"),
                "{text}"
            );
            assert!(text.contains("caught.rs:"), "{text}");
        }
    }

    #[test]
    fn a_panic_of_burn_is_the_devices() {
        let error = error_after(|| {
            let x = Tensor::<1>::zeros([3], &Device::flex());
            let _ = x.reshape([2, 5]);
        });
        assert!(
            matches!(error, Error::Device(DeviceError::Compute(_))),
            "{error}"
        );
    }

    #[test]
    fn a_device_that_fails_gives_the_reason_it_said_first() {
        let error = error_after(|| {
            let thread = std::thread::spawn(|| {
                let x = Tensor::<1>::zeros([3], &Device::flex());
                let _ = x.reshape([2, 5]);
            });
            thread.join().unwrap_err();
            panic::panic_any(DeviceError::compute("the bytes were never written"));
        });
        let text = error.to_string();
        assert!(matches!(error, Error::Device(_)), "{text}");
        assert!(!text.contains("never written"), "{text}");
    }
}
