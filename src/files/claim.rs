//! Claims on outputs: of several processes that share a list, one paints each picture.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::FileError;
use super::place::{folder, target};
use crate::digest::sha256;

/// The right to write one output, held by at most one process on all machines that share the folder.
///
/// It is a locked file beside the output. The system takes the lock back when the process ends, however it
/// ends, and dropping the claim removes the file.
#[derive(Debug)]
pub struct Claim {
    file: Option<File>,
    path: PathBuf,
}

impl Claim {
    /// Claims the output `path`, and removes the temporary files of those who were killed while writing it. None
    /// if another has claimed it.
    ///
    /// # Errors
    /// [`FileError::NotClaimed`] if the file cannot be made or locked.
    pub fn take(path: &Path) -> Result<Option<Self>, FileError> {
        let target = target(path);
        let not_claimed = |source| FileError::NotClaimed {
            path: path.to_owned(),
            source,
        };
        let Some(claim) = Self::lock(claim_file(&target)).map_err(not_claimed)? else {
            return Ok(None);
        };
        sweep(&target).map_err(not_claimed)?;
        Ok(Some(claim))
    }

    /// Whether there is a claim on the output `path`, held or left by a process that was killed.
    pub fn is_marked(path: &Path) -> bool {
        claim_file(&target(path)).exists()
    }

    fn lock(path: PathBuf) -> io::Result<Option<Self>> {
        loop {
            check_regular(&path)?;
            let file = File::options()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Its last holder may have removed it between the two calls above, so that the lock is on a file which
            // nobody else can see.
            if is_at(&file, &path) {
                let file = Some(file);
                return Ok(Some(Self { file, path }));
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Removed while still locked: afterwards it could be the next one's. A file that stays does no harm.
        let _ = fs::remove_file(&self.path);
        self.file = None;
    }
}

/// Opening a pipe that somebody put there would wait for a reader, and a link lead elsewhere.
fn check_regular(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if !metadata.is_file() => Err(io::Error::other(format!(
            "{} is no file; remove it",
            path.display()
        ))),
        _ => Ok(()),
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let held = file.try_clone().and_then(same_file::Handle::from_file);
    let there = same_file::Handle::from_path(path);
    matches!((held, there), (Ok(held), Ok(there)) if held == there)
}

fn claim_file(target: &Path) -> PathBuf {
    folder(target).join(format!("{}claim", prefix(target)))
}

/// A new file beside `target`, locked as long as it is open, so that [`sweep`] can tell it from one whose process was
/// killed; those are removed first. A file system without locks will do: there, nothing is swept.
pub(super) fn temporary(
    target: &Path,
    builder: &mut tempfile::Builder<'_, '_>,
) -> io::Result<NamedTempFile> {
    // A folder that cannot be listed may still take a file.
    let _ = sweep(target);
    loop {
        let file = builder.tempfile_in(folder(target))?;
        match file.as_file().try_lock() {
            // Swept before it was locked.
            Ok(()) if !is_at(file.as_file(), file.path()) => {}
            // Being swept.
            Err(TryLockError::WouldBlock) => {}
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
}

/// What the names of all files for one output begin with: a hidden file, and short however long the output's name is.
pub(super) fn prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default();
    let digest = sha256([name.as_encoded_bytes()]);
    format!(".nst-{}.", &digest[..16])
}

/// Removes the temporary files for `target` that no process holds any more.
fn sweep(target: &Path) -> io::Result<()> {
    let prefix = prefix(target);
    for entry in fs::read_dir(folder(target))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let named = name.starts_with(&prefix) && name.ends_with(PART);
        if named && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let abandoned = File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
            if abandoned {
                // It may be gone by now, or not ours to remove: neither keeps the job from being done.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
    Ok(())
}

/// How the name of a temporary file ends.
pub(super) const PART: &str = ".part";
