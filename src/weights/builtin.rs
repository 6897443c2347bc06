//! The network trained by this project, carried in the binary.

use std::io::Read;

use flate2::bufread::GzDecoder;

use crate::arch::{Layer, Model};
use crate::digest::sha256;

use super::{Place, Weights, WeightsError, assemble, container::Safetensors};

/// The embedded file: safetensors, gzipped, of whole-number kernels with a scale per output channel
/// and the first block in half precision.
#[cfg(feature = "builtin-weights")]
const FILES: &[(Model, &[u8])] = &[(
    Model::Vgg19,
    include_bytes!("../../weights/vgg19.safetensors.gz"),
)];

#[cfg(not(feature = "builtin-weights"))]
const FILES: &[(Model, &[u8])] = &[];

/// The built-in network, read through the same checks as any file, from the picture down to
/// `deepest`. `None` for every model but [`Model::Vgg19`], and where the feature `builtin-weights`
/// is off.
pub fn built_in(model: Model, deepest: Layer) -> Option<Result<Weights, WeightsError>> {
    let (_, packed) = FILES.iter().find(|(of, _)| *of == model)?;
    Some(read(packed, model, deepest))
}

fn read(packed: &[u8], model: Model, deepest: Layer) -> Result<Weights, WeightsError> {
    let unreadable = |fault| WeightsError::Unreadable {
        file: Place::BuiltIn.to_string(),
        fault,
    };
    let mut bytes = Vec::with_capacity(2 * packed.len());
    GzDecoder::new(packed)
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(format!("cannot be unpacked: {e}")))?;
    let file = Safetensors::from_bytes(&bytes).map_err(unreadable)?;
    assemble::assemble(&file, Place::BuiltIn, model, deepest)
}

/// The SHA-256 of the built-in network's file as the binary carries it, in lower-case hexadecimal;
/// `None` where [`built_in`] has none.
pub fn built_in_sha256(model: Model) -> Option<String> {
    let (_, packed) = FILES.iter().find(|(of, _)| *of == model)?;
    Some(sha256([*packed]))
}

/// The models that are built in, for the sentence that none is for another.
pub(super) fn built_in_models() -> impl Iterator<Item = Model> {
    FILES.iter().map(|&(model, _)| model)
}
