//! The network trained by this project, carried in the binary.

use std::io::Read;

use flate2::bufread::GzDecoder;
use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSliceMut;

use crate::arch::{Layer, Model};
use crate::digest::sha256;

use super::container::{Container, Safetensors};
use super::{Place, Weights, WeightsError, assemble};

/// The embedded file: safetensors, gzipped, of whole-number kernels with a scale per output channel
/// and the first block in half precision. A VGG19, and what makes a VGG16 of it.
#[cfg(feature = "builtin-weights")]
const FILE: &[u8] = include_bytes!("../../weights/vgg19.safetensors.gz");

/// The file that serves each model.
#[cfg(feature = "builtin-weights")]
const FILES: &[(Model, &[u8])] = &[(Model::Vgg16, FILE), (Model::Vgg19, FILE)];

#[cfg(not(feature = "builtin-weights"))]
const FILES: &[(Model, &[u8])] = &[];

/// The built-in network, read through the same checks as any file, from the picture down to
/// `deepest`. `None` where the feature `builtin-weights` is off.
///
/// The VGG16 is the VGG19 without the two layers that a VGG16 lacks; the layer after each takes in a
/// matrix over its inputs that stands in for the missing layer, and has biases of its own.
pub fn built_in(model: Model, deepest: Layer) -> Option<Result<Weights, WeightsError>> {
    let (_, packed) = FILES.iter().find(|(of, _)| *of == model)?;
    Some(read(packed, model, deepest))
}

fn read(packed: &[u8], model: Model, deepest: Layer) -> Result<Weights, WeightsError> {
    if !model.has(deepest) {
        let layer = deepest;
        return Err(WeightsError::NoSuchLayer { model, layer });
    }
    let mut bytes = Vec::with_capacity(2 * packed.len());
    GzDecoder::new(packed)
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(format!("cannot be unpacked: {e}")))?;
    let file = Safetensors::from_bytes(&bytes).map_err(unreadable)?;
    let weights = assemble::assemble(&file, Place::BuiltIn, Model::Vgg19, deepest)?;
    match model {
        Model::Vgg19 => Ok(weights),
        Model::Vgg16 => shortened(weights, &file),
    }
}

/// The VGG16 of the file's VGG19.
fn shortened(mut weights: Weights, file: &Safetensors) -> Result<Weights, WeightsError> {
    weights.model = Model::Vgg16;
    weights
        .convolutions
        .retain(|&layer, _| Model::Vgg16.has(layer));
    for layer in [Layer::new(4, 1), Layer::new(5, 1)] {
        let Some(convolution) = weights.convolutions.get_mut(&layer) else {
            continue;
        };
        let tensor = |part| {
            let name = format!("vgg16.{layer}.{part}");
            file.read(&name)
                .map_err(|why| unreadable(format!("{name} {why}")))
        };
        let (mut mix, scale) = (tensor("mix")?, tensor("scale")?);
        for (row, factor) in mix.chunks_exact_mut(layer.inputs()).zip(scale) {
            for value in row {
                *value *= factor;
            }
        }
        take_in(&mut convolution.weight, &mix, layer.inputs());
        convolution.bias = tensor("bias")?;
    }
    Ok(weights)
}

/// Makes 3 x 3 kernels `[outputs, inputs, 3, 3]` do the work of `mix` `[inputs, inputs]` before them.
fn take_in(kernels: &mut [f32], mix: &[f32], inputs: usize) {
    let one = |of_output: &mut [f32]| {
        // Tap by tap, so that the sums run over whole rows of the mix; four rows at once, so that
        // each sum is loaded and stored a quarter as often.
        let mut sums = vec![0.0; of_output.len()];
        for (kernels, rows) in of_output.chunks_exact(36).zip(mix.chunks_exact(4 * inputs)) {
            let (a, b) = rows.split_at(2 * inputs);
            let ((a, b), (c, d)) = (a.split_at(inputs), b.split_at(inputs));
            for (tap, sums) in sums.chunks_exact_mut(inputs).enumerate() {
                let [p, q, r, s] = [0, 9, 18, 27].map(|kernel| kernels[kernel + tap]);
                for ((((sum, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                    *sum += p * a + q * b + (r * c + s * d);
                }
            }
        }
        for (tap, sums) in sums.chunks_exact(inputs).enumerate() {
            for (kernel, &sum) in of_output.chunks_exact_mut(9).zip(sums) {
                kernel[tap] = sum;
            }
        }
    };
    kernels.par_chunks_exact_mut(9 * inputs).for_each(one);
}

fn unreadable(fault: String) -> WeightsError {
    let file = Place::BuiltIn.to_string();
    WeightsError::Unreadable { file, fault }
}

/// The SHA-256 of the built-in network's file as the binary carries it, in lower-case hexadecimal;
/// `None` where the feature `builtin-weights` is off.
pub fn built_in_sha256(model: Model) -> Option<String> {
    let (_, packed) = FILES.iter().find(|(of, _)| *of == model)?;
    Some(sha256([*packed]))
}
