//! Fetching ImageNet's weights: one download at a time, verified, then imported.

mod http;

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::import::convert;
use super::{Digest, Import, Notice, Report, Source, WeightsError, container, digest, file_name};

/// How the network may be used.
#[derive(Clone, Debug)]
pub struct Internet {
    /// Replaces scheme and host of every URL: `$NST_WEIGHTS_MIRROR`.
    pub mirror: Option<String>,
    /// Whether proxies are taken from `$HTTPS_PROXY` and its kin. Default: yes.
    pub proxies: bool,
    /// How long a host may take, over all tries, until its first answer. Default: 5 s.
    pub answer: Duration,
    /// How long a started download may stand still. Default: 15 s.
    pub stall: Duration,
    /// The pause after the first failed try; it doubles after each. Default: 0.5 s.
    pub backoff: Duration,
}

/// Times a download is tried before it is given up, where another try may help.
const TRIES: u32 = 3;

impl Default for Internet {
    fn default() -> Self {
        Self {
            mirror: None,
            proxies: true,
            answer: Duration::from_secs(5),
            stall: Duration::from_secs(15),
            backoff: Duration::from_millis(500),
        }
    }
}

impl Internet {
    /// The network as this process's environment allows it: `None` where `$NST_OFFLINE` is
    /// set to anything but 0.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
        if set("NST_OFFLINE").is_some_and(|value| value != "0") {
            return None;
        }
        Some(Self {
            mirror: set("NST_WEIGHTS_MIRROR"),
            ..Self::default()
        })
    }

    /// A source's URL, on the mirror if there is one.
    fn url(&self, source: &Source) -> String {
        let Some(mirror) = &self.mirror else {
            return source.url.to_owned();
        };
        let path = source
            .url
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map_or("", |(_, path)| path);
        format!("{}/{path}", mirror.trim_end_matches('/'))
    }
}

/// Why a download failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchFault {
    /// Nothing came back in time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    NoAnswer(Duration),
    /// The connection could not be made, or broke.
    #[error("{0}")]
    Connection(String),
    /// The server refused.
    #[error("the server answers {0}")]
    Status(u16),
    /// The file has another size than the published one.
    #[error("{found} bytes, the published file has {expected}")]
    WrongSize {
        /// Bytes offered or received.
        found: u64,
        /// Bytes of the published file.
        expected: u64,
    },
    /// The whole file is not the one it should be.
    #[error("wrong {kind}: {found}, should be {expected}")]
    WrongDigest {
        /// `MD5` or `SHA-256`.
        kind: &'static str,
        /// Digest of what came.
        found: String,
        /// Digest of the published file.
        expected: &'static str,
    },
}

/// Where a file is fetched from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FetchFrom {
    /// The source's own URL, or the mirror.
    #[default]
    Publisher,
    /// The same file at another URL.
    Url(String),
    /// The same file, brought by hand.
    File(PathBuf),
}

impl FetchFrom {
    /// An `http://` or `https://` URL, or else a file.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.starts_with("http://") || text.starts_with("https://") {
            Self::Url(text.to_owned())
        } else {
            Self::File(text.into())
        }
    }
}

/// Brings a source's file into the cache folder as canonical safetensors, and gives its path.
///
/// If the cache already holds it, nothing is fetched. The digest is checked over the whole
/// file before anything is read from it; a file that fails is deleted. A broken download is
/// resumed by the next try and the next run. Two processes at once download once: the second
/// waits.
///
/// # Errors
///
/// [`WeightsError::Fetch`] with the URL, I/O errors, and those of an import.
pub fn fetch(
    source: &Source,
    from: &FetchFrom,
    cache: &Path,
    network: Option<&Internet>,
    report: &dyn Report,
) -> Result<PathBuf, WeightsError> {
    fs::create_dir_all(cache).map_err(|e| WeightsError::io(cache, "create", e))?;
    let path = cache.join(file_name(source.model));
    let _lock = lock(&cache.join(format!(".{}.lock", source.model)), report)?;
    if holds(&path, source) {
        return Ok(path);
    }
    let by_hand = match from {
        FetchFrom::File(file) => Some(file),
        FetchFrom::Url(_) | FetchFrom::Publisher => None,
    };
    let part = cache.join(format!("{}.part", source.file_name()));
    match by_hand {
        Some(file) => verify(source, file, &file.display().to_string())?,
        None => download(source, from, &part, network, report)?,
    }
    let import = Import {
        output: Some(path.clone()),
        model: Some(source.model),
        ..Import::default()
    };
    convert(by_hand.unwrap_or(&part), &import, cache, Some(*source))?;
    if by_hand.is_none() {
        fs::remove_file(&part).map_err(|e| WeightsError::io(&part, "delete", e))?;
    }
    Ok(path)
}

/// Whether a file was made from this source. A damaged one was not: it is fetched again.
fn holds(path: &Path, source: &Source) -> bool {
    container::open(path).is_ok_and(|file| file.metadata("source") == Some(source.url))
}

/// Takes the lock that only one process can hold; it goes with the value.
fn lock(path: &Path, report: &dyn Report) -> Result<File, WeightsError> {
    let file = File::create(path).map_err(|e| WeightsError::io(path, "write", e))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => report.notice(&Notice::Waiting),
        Err(TryLockError::Error(e)) => return Err(WeightsError::io(path, "lock", e)),
    }
    file.lock().map_err(|e| WeightsError::io(path, "lock", e))?;
    Ok(file)
}

/// Downloads a source's file to `part` and verifies it.
fn download(
    source: &Source,
    from: &FetchFrom,
    part: &Path,
    network: Option<&Internet>,
    report: &dyn Report,
) -> Result<(), WeightsError> {
    let network = network.ok_or(WeightsError::Offline)?;
    let url = match from {
        FetchFrom::Url(url) => url.clone(),
        FetchFrom::Publisher | FetchFrom::File(_) => network.url(source),
    };
    report.notice(&Notice::Fetching {
        model: source.model,
        url: url.clone(),
        bytes: source.bytes,
        licence: source.licence,
    });
    let mut download = http::Download::new(&url, part, source.bytes, network, report);
    for attempt in 1..=TRIES {
        match download.attempt() {
            Ok(()) => break,
            Err(http::Failure::Final(error)) => return Err(error),
            Err(http::Failure::Passing(fault)) => {
                let wait = network.backoff * 2_u32.pow(attempt - 1);
                if attempt == TRIES || download.out_of_time(wait) {
                    return Err(WeightsError::Fetch { url, fault });
                }
                let why = fault.to_string();
                report.notice(&Notice::Retrying { why, wait });
                thread::sleep(wait);
            }
        }
    }
    verify(source, part, &url).inspect_err(|_| {
        // The error to report is the wrong digest; a file that cannot be deleted is
        // overwritten by the next run.
        let _ = fs::remove_file(part);
    })
}

/// Checks a whole file's size and digest against the table.
fn verify(source: &Source, path: &Path, from: &str) -> Result<(), WeightsError> {
    let wrong = |fault| WeightsError::Fetch {
        url: from.to_owned(),
        fault,
    };
    let found = fs::metadata(path)
        .map_err(|e| WeightsError::io(path, "read", e))?
        .len();
    if found != source.bytes {
        let expected = source.bytes;
        return Err(wrong(FetchFault::WrongSize { found, expected }));
    }
    let (kind, expected) = match source.digest {
        Digest::Md5(hex) => ("MD5", hex),
        Digest::Sha256(hex) => ("SHA-256", hex),
    };
    let found = digest::same_kind(path, source.digest)?;
    if found != expected {
        return Err(wrong(FetchFault::WrongDigest {
            kind,
            found,
            expected,
        }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::SOURCES;

    #[test]
    fn a_mirror_replaces_scheme_and_host_and_keeps_the_path() {
        for mirror in ["http://mirror.example/pub", "http://mirror.example/pub/"] {
            let network = Internet {
                mirror: Some(mirror.to_owned()),
                ..Internet::default()
            };
            let source = &SOURCES[2];
            assert_eq!(
                network.url(source),
                "http://mirror.example/pub/models/vgg19-dcbb9e9d.pth"
            );
            assert_eq!(Internet::default().url(source), source.url);
        }
    }
}
