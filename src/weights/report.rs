//! What a person should hear while weights are found or fetched.

use std::fmt;
use std::time::Duration;

use crate::arch::Model;

/// Listens to what happens on the way; the library itself writes to no terminal.
pub trait Report: Sync {
    /// Something worth one line.
    fn notice(&self, notice: &Notice);

    /// Bytes of a download so far, of `total`.
    fn progress(&self, done: u64, total: u64) {
        let _ = (done, total);
    }
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unreported;

impl Report for Unreported {
    fn notice(&self, _: &Notice) {}
}

/// One line for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A download starts.
    Fetching {
        /// The network.
        model: Model,
        /// Where from.
        url: String,
        /// The file's size.
        bytes: u64,
        /// The terms it comes under.
        licence: &'static str,
    },
    /// A try failed; another follows.
    Retrying {
        /// What went wrong.
        why: String,
        /// The pause before the next try.
        wait: Duration,
    },
    /// Another process holds the cache folder's lock.
    Waiting,
    /// Nothing else was found, so the built-in network serves.
    BuiltIn {
        /// The network.
        model: Model,
        /// Why no ImageNet weights serve.
        why: String,
        /// Where they can be downloaded by hand.
        url: &'static str,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetching {
                model,
                url,
                bytes,
                licence,
            } => {
                let megabytes = *bytes as f64 / 1e6;
                write!(
                    f,
                    "fetching ImageNet's {model} from {url} ({megabytes:.0} MB, {licence})"
                )
            }
            Self::Retrying { why, wait } => {
                write!(f, "{why}; trying again in {:.1} s", wait.as_secs_f32())
            }
            Self::Waiting => f.write_str("waiting for another nst that is fetching weights"),
            Self::BuiltIn { model, why, url } => write!(
                f,
                "using the built-in {model}, as ImageNet's is not to be had ({why}); it paints \
                 nearly the same. To bring ImageNet's by hand: download {url} and run \
                 `nst weights import FILE`"
            ),
        }
    }
}
