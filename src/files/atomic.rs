use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::place::{folder, target};
use super::{FileError, claim};

/// A file being written beside the one it will replace; dropped before that, it is gone.
pub struct Pending {
    path: PathBuf,
    target: PathBuf,
    temporary: NamedTempFile,
}

impl Pending {
    /// An empty file in the folder of `path` (or of what it links to), with the permissions the target will have.
    pub fn beside(path: &Path) -> Result<Self, FileError> {
        let target = target(path);
        let temporary =
            temporary_beside(&target).map_err(|source| FileError::writing(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            target,
            temporary,
        })
    }

    /// The file to write to.
    pub fn file(&self) -> &File {
        self.temporary.as_file()
    }

    /// Flushes the file to the disk and renames it over the target, or, unless `overwrite`, to a name still free.
    pub fn install(self, overwrite: bool) -> Result<(), FileError> {
        let path = self.path;
        let not_written = |source| FileError::writing(&path, source);
        self.temporary.as_file().sync_all().map_err(not_written)?;
        replace(self.temporary, &self.target, overwrite).map_err(|e| {
            if e.kind() == io::ErrorKind::AlreadyExists {
                FileError::Exists { path: path.clone() }
            } else {
                not_written(e)
            }
        })
    }
}

/// Writes a file as a whole: what is at `path` is, at every moment, what it was or the new file. Replaces what is there.
///
/// # Errors
/// [`FileError::NotWritten`]; what was at `path` is untouched then.
pub fn replace_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    const BUFFER: usize = 1 << 20;
    let pending = Pending::beside(path)?;
    let mut writer = BufWriter::with_capacity(BUFFER, pending.file());
    write(&mut writer)
        .and_then(|()| writer.flush())
        .map_err(|source| FileError::writing(path, source))?;
    drop(writer);
    pending.install(true)
}

fn temporary_beside(target: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    let prefix = claim::prefix(target);
    builder.prefix(&prefix).suffix(claim::PART);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any program makes a new file (less the umask), not private as a temporary file is.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let temporary = claim::temporary(target, &mut builder)?;
    if let Ok(metadata) = fs::metadata(target) {
        temporary
            .as_file()
            .set_permissions(metadata.permissions())?;
    }
    Ok(temporary)
}

/// Renames the temporary file over the target; on failure it is removed.
fn replace(temporary: NamedTempFile, target: &Path, overwrite: bool) -> io::Result<()> {
    let renamed = if overwrite {
        temporary.persist(target)
    } else {
        temporary.persist_noclobber(target)
    };
    renamed.map_err(|e| e.error)?;
    // The file is whole and in place. Flushing the folder makes the new name survive a power cut; not every file
    // system can, and that is no failure of the write.
    #[cfg(unix)]
    let _ = File::open(folder(target)).and_then(|folder| folder.sync_all());
    Ok(())
}
