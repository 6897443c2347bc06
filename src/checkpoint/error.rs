use std::io;
use std::path::PathBuf;

use super::Difference;
use crate::device::DeviceError;
use crate::files::FileError;

/// A checkpoint that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It could not be made.
    #[error("the checkpoint {} cannot be written: {reason}", .path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It could not be written.
    #[error("the checkpoint: {0}")]
    File(#[from] FileError),
    /// The device failed while its state was read.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// It could not be read.
    #[error("the checkpoint {} cannot be read: {source}", .path.display())]
    NotRead {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else, and stays as it is.
    #[error("{}: this is no checkpoint of nst and is left alone; name another file", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// It is not whole.
    #[error(
        "{} is no usable checkpoint: {reason}; start afresh with --checkpoint and --overwrite",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It was written by another version of nst.
    #[error(
        "the checkpoint {} has format {version}, which this nst does not read: finish it with the \
         nst that wrote it, or start afresh with --checkpoint and --overwrite", .path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        version: String,
    },
    /// It belongs to a run with other inputs or settings.
    #[error(
        "the checkpoint {} belongs to another run: {}; give the same inputs and flags, or start \
         afresh with --checkpoint and --overwrite", .path.display(), list(.differences)
    )]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// What differs.
        differences: Vec<Difference>,
    },
}

fn list(differences: &[Difference]) -> String {
    let texts: Vec<_> = differences.iter().map(Difference::to_string).collect();
    texts.join(", ")
}
