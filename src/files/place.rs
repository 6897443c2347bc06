use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use super::{FileError, claim};

/// Checks, before any work, that a file can be written to `path`.
///
/// The folder exists and takes a new file, `path` is no folder or device and none of the inputs (through links too), and
/// nothing is there yet unless `overwrite`. Removes the temporary files that a killed process left for it.
///
/// # Errors
/// The first of these that does not hold.
pub fn check_place(path: &Path, inputs: &[&Path], overwrite: bool) -> Result<(), FileError> {
    if let Ok(metadata) = fs::metadata(path)
        && let Some(kind) = not_a_file(metadata.file_type())
    {
        return Err(FileError::NotAFile {
            path: path.to_owned(),
            kind,
        });
    }
    check_folder(path)?;
    check_not_input(path, inputs)?;
    match path.symlink_metadata() {
        Ok(_) if !overwrite => Err(FileError::Exists {
            path: path.to_owned(),
        }),
        // A name that is too long is only refused when it is used.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::writing(path, error))
        }
        _ => Ok(()),
    }
}

/// Whether two paths are one file, or would be if both were written: through links, `.` and `..`.
///
/// Where one is not there yet, names that differ in upper and lower case count as the same, as they
/// are on some file systems.
pub fn same_place(a: &Path, b: &Path) -> bool {
    if a.is_file() && b.is_file() {
        return same_file::is_same_file(a, b).unwrap_or(true);
    }
    let place = |path: &Path| {
        let target = target(path);
        let folder = folder(&target);
        let name = target.file_name().unwrap_or_default();
        (
            fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()),
            name.to_string_lossy().to_lowercase(),
        )
    };
    place(a) == place(b)
}

/// Checks that `path` is none of the inputs, directly or through a link.
///
/// # Errors
/// [`FileError::OutputIsInput`].
pub fn check_not_input(path: &Path, inputs: &[&Path]) -> Result<(), FileError> {
    for &input in inputs {
        // Only regular files are compared: opening a pipe to compare it would wait for a writer.
        if input.is_file()
            && path.is_file()
            && same_file::is_same_file(input, path).unwrap_or(false)
        {
            return Err(FileError::OutputIsInput {
                path: path.to_owned(),
                input: input.to_owned(),
            });
        }
    }
    Ok(())
}

/// The folder a path lies in.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The file a path stands for: where its links lead, so that they stay links when the file is replaced.
pub(super) fn target(path: &Path) -> PathBuf {
    if path.is_symlink() {
        fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
    } else {
        path.to_owned()
    }
}

fn check_folder(path: &Path) -> Result<(), FileError> {
    let target = target(path);
    let folder = folder(&target);
    if !folder.is_dir() {
        return Err(FileError::NoFolder {
            path: path.to_owned(),
            folder: folder.to_owned(),
        });
    }
    // Permissions, read-only mounts and quotas are only known for sure by trying.
    let prefix = claim::prefix(&target);
    let mut builder = tempfile::Builder::new();
    claim::temporary(&target, builder.prefix(&prefix).suffix(claim::PART))
        .and_then(tempfile::NamedTempFile::close)
        .map_err(|source: io::Error| FileError::FolderNotWritable {
            path: path.to_owned(),
            folder: folder.to_owned(),
            source,
        })
}

/// What a path is, with its article, if it is no regular file.
pub fn not_a_file(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a folder")
    } else {
        Some("a pipe, socket or device")
    }
}
