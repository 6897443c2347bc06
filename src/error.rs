use crate::checkpoint::CheckpointError;
use crate::device::DeviceError;
use crate::job::JobError;
use crate::picture::PictureError;
use crate::weights::WeightsError;

/// Everything a transfer can fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting cannot be.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A picture cannot be read or written.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The network's weights cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The backend cannot start, or failed during the work.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The network at hand is not the one the job asks for, or not deep enough.
    #[error("the job needs {model} to {deepest}, but the network given does not have it")]
    Network {
        /// Network asked for.
        model: crate::arch::Model,
        /// Deepest layer asked for.
        deepest: crate::arch::Layer,
    },
    /// Something went wrong that cannot: a panic of this crate.
    #[error("this is a fault of nst, please report it: {message} (at {place})")]
    Fault {
        /// What it said.
        message: String,
        /// File and line.
        place: String,
    },
}
