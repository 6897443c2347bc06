//! Digests of whole files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use md5::Md5;
use sha2::Sha256;

use super::{Digest, WeightsError};
use crate::digest::hex;

/// The SHA-256 of a file, in lower-case hexadecimal.
pub fn sha256(path: &Path) -> Result<String, WeightsError> {
    hash::<Sha256>(path)
}

/// Whether a file has this digest.
pub(super) fn matches(path: &Path, digest: Digest) -> Result<bool, WeightsError> {
    let (Digest::Md5(expected) | Digest::Sha256(expected)) = digest;
    Ok(same_kind(path, digest)? == expected)
}

/// The digest of a file, of the same kind as `like`, in lower-case hexadecimal.
pub(super) fn same_kind(path: &Path, like: Digest) -> Result<String, WeightsError> {
    match like {
        Digest::Md5(_) => hash::<Md5>(path),
        Digest::Sha256(_) => hash::<Sha256>(path),
    }
}

fn hash<D: sha2::Digest>(path: &Path) -> Result<String, WeightsError> {
    let mut file = File::open(path).map_err(|e| WeightsError::io(path, "open", e))?;
    let mut hasher = D::new();
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(n) => hasher.update(&block[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(WeightsError::io(path, "read", e)),
        }
    }
    Ok(hex(&hasher.finalize()))
}
