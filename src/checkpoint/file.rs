//! The file as such: what is replaced, removed and read without being believed.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::{CheckpointError, MARK, Passport};

/// Most bytes that the header of a checkpoint has: names, numbers and the passport.
pub const HEADER_ROOM: u64 = 1 << 20;

/// Whether there is a file at `path` (or where it links to).
///
/// # Errors
///
/// [`CheckpointError::NotOurs`] if what is there is no checkpoint of nst, so that it must be
/// neither replaced nor removed; [`CheckpointError::NotRead`] if that cannot be told.
pub fn is_there(path: &Path) -> Result<bool, CheckpointError> {
    match is_ours(path) {
        Ok(true) => Ok(true),
        Ok(false) => Err(CheckpointError::NotOurs {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unreadable(path)(error)),
    }
}

/// What a checkpoint says of the run that it belongs to: nothing where that cannot be read, which
/// [`super::load`] refuses.
///
/// # Errors
///
/// [`CheckpointError::NotRead`].
pub fn passport(path: &Path) -> Result<Passport, CheckpointError> {
    let metadata = metadata(path).map_err(unreadable(path))?;
    let passport = metadata.and_then(|m| Passport::from_json(m["passport"].as_str()?));
    Ok(passport.unwrap_or_default())
}

/// Removes a checkpoint; a link to it stays.
///
/// # Errors
///
/// As [`is_there`], or the system refuses.
pub fn remove(path: &Path) -> Result<(), CheckpointError> {
    if is_there(path)? {
        fs::canonicalize(path)
            .and_then(fs::remove_file)
            .map_err(unreadable(path))?;
    }
    Ok(())
}

/// The bytes of a regular file, none if it has more than `most`.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

pub(super) fn unreadable(path: &Path) -> impl Fn(io::Error) -> CheckpointError {
    let path = path.to_owned();
    move |source| CheckpointError::NotRead {
        path: path.clone(),
        source,
    }
}

/// A device would never end, and a pipe wait for somebody to write.
fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"));
    }
    File::open(path)
}

fn is_ours(path: &Path) -> io::Result<bool> {
    Ok(metadata(path)?.is_some_and(|metadata| metadata[MARK].is_string()))
}

/// The metadata of a safetensors file with a short header; none of any other.
fn metadata(path: &Path) -> io::Result<Option<serde_json::Value>> {
    let mut file = open(path)?;
    let mut length = [0; 8];
    match file.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u64::from_le_bytes(length);
    if length > HEADER_ROOM {
        return Ok(None);
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    let header: Option<serde_json::Value> = serde_json::from_slice(&header).ok();
    Ok(header.and_then(|mut header| Some(header.get_mut("__metadata__")?.take())))
}
