//! The networks trained by this project, carried in the binary.

use crate::arch::{Layer, Model};
use crate::digest::sha256;

use super::{Place, Weights, WeightsError, assemble, container::Safetensors};

/// The embedded files: 8-bit kernels with a scale per output channel, the first block in half
/// precision.
#[cfg(feature = "builtin-weights")]
const FILES: &[(Model, &[u8])] = &[
    (
        Model::Vgg16,
        include_bytes!("../../weights/vgg16.safetensors"),
    ),
    (
        Model::Vgg19,
        include_bytes!("../../weights/vgg19.safetensors"),
    ),
];

#[cfg(not(feature = "builtin-weights"))]
const FILES: &[(Model, &[u8])] = &[];

/// The built-in network, read through the same checks as any file, from the picture down to
/// `deepest`. `None` where the feature `builtin-weights` is off.
pub fn built_in(model: Model, deepest: Layer) -> Option<Result<Weights, WeightsError>> {
    let (_, bytes) = FILES.iter().find(|(of, _)| *of == model)?;
    Some(
        Safetensors::from_bytes(bytes)
            .map_err(|fault| WeightsError::Unreadable {
                file: Place::BuiltIn.to_string(),
                fault,
            })
            .and_then(|file| assemble::assemble(&file, Place::BuiltIn, model, deepest)),
    )
}

/// The SHA-256 of the built-in network's file, in lower-case hexadecimal; `None` where the feature
/// `builtin-weights` is off.
pub fn built_in_sha256(model: Model) -> Option<String> {
    let (_, bytes) = FILES.iter().find(|(of, _)| *of == model)?;
    Some(sha256([*bytes]))
}
