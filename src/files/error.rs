use std::io;
use std::path::{Path, PathBuf};

/// Why a file may or can not be written. Every message names the file and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The path is a folder, pipe, socket or device.
    #[error("{}: this is {kind}, not a file that can be written", .path.display())]
    NotAFile {
        /// The path given.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// The folder to write to is missing or not a folder.
    #[error("{}: the folder {} does not exist; make it first", .path.display(), .folder.display())]
    NoFolder {
        /// The output.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// No file can be made in the output's folder.
    #[error("{}: no file can be written in the folder {}: {source}", .path.display(), .folder.display())]
    FolderNotWritable {
        /// The output.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The output is one of the inputs, directly or through a link.
    #[error("{}: the output is the input {}; choose another name", .path.display(), .input.display())]
    OutputIsInput {
        /// The output.
        path: PathBuf,
        /// The input it would replace.
        input: PathBuf,
    },
    /// The output exists and may not be replaced.
    #[error("{}: exists already; give --overwrite to replace it", .path.display())]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// No claim can be made or locked beside the output.
    #[error(
        "{}: cannot be claimed: {source}; where the file system has no locks, give --no-claims and let no two \
         processes have the same jobs (--shard)",
        .path.display()
    )]
    NotClaimed {
        /// The output.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The operating system refused to write the output; what was there before is untouched.
    #[error("{}: cannot be written: {source}", .path.display())]
    NotWritten {
        /// The output.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl FileError {
    /// The system's refusal to write `path`.
    pub(crate) fn writing(path: &Path, source: io::Error) -> Self {
        Self::NotWritten {
            path: path.to_owned(),
            source,
        }
    }
}
