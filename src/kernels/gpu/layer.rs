//! The filters of a layer, in the memory of a graphics card.

use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::server::Handle;

use crate::kernels::Standardisation;

/// Filters and bias of a 3x3 convolution, packed for both directions.
#[derive(Debug)]
pub struct Layer {
    pub inputs: usize,
    pub outputs: usize,
    /// In the order fetched channel, position, computed channel.
    pub forward: Handle,
    pub backward: Handle,
    pub bias: Handle,
    /// What the input is taken to first: mean and scale of its one quad of channels.
    pub standard: Option<Handle>,
}

impl Layer {
    /// Packs `weight`, in the order output, input, row (3), column (3), and one bias for each
    /// output.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize, client: &Client) -> Self {
        Self::scaled(weight, bias, &vec![1.0; inputs], client)
    }

    /// A layer that takes its input, of at most four channels, to a standard first.
    pub fn standardised(
        weight: &[f32],
        bias: &[f32],
        input: &Standardisation,
        client: &Client,
    ) -> Self {
        let quads = [&input.mean, &input.scale].map(|numbers| {
            let mut quad = [0.0; 4];
            quad[..numbers.len()].copy_from_slice(numbers);
            quad
        });
        Self {
            standard: Some(client.create_from_slice(bytemuck::cast_slice(&quads))),
            ..Self::scaled(weight, bias, &input.scale, client)
        }
    }

    /// Filters of input channels whose gradients are to be multiplied by these.
    fn scaled(weight: &[f32], bias: &[f32], scales: &[f32], client: &Client) -> Self {
        let (inputs, outputs) = (scales.len(), bias.len());
        let there = |i: usize, tap: usize, o: usize| weight[(o * inputs + i) * 9 + tap];
        let back =
            |o: usize, tap: usize, i: usize| weight[(o * inputs + i) * 9 + 8 - tap] * scales[i];
        let upload = |numbers: &[f32]| client.create_from_slice(bytemuck::cast_slice(numbers));
        let mut padded = bias.to_vec();
        padded.resize(4 * outputs.div_ceil(4), 0.0);
        Self {
            inputs,
            outputs,
            forward: upload(&packed(inputs, outputs, there)),
            backward: upload(&packed(outputs, inputs, back)),
            bias: upload(&padded),
            standard: None,
        }
    }
}

/// Filters from `inputs` channels to `outputs`, whose number is padded to a multiple of four.
fn packed(inputs: usize, outputs: usize, weight: impl Fn(usize, usize, usize) -> f32) -> Vec<f32> {
    let wide = 4 * outputs.div_ceil(4);
    let mut packed = vec![0.0; inputs * 9 * wide];
    for (row, out) in packed.chunks_exact_mut(wide).enumerate() {
        for (output, out) in out[..outputs].iter_mut().enumerate() {
            *out = weight(row / 9, row % 9, output);
        }
    }
    packed
}
