//! A layer on plain slices: 3x3 convolution, bias, `ReLU` and perhaps a pool, and its gradient.

use super::bits::Bits;
use super::buffer::Buffer;
use super::direct::Direct;
use super::filters::{Direction, PANEL, WinogradFilters, padded};
use super::gram;
use super::layout;
use super::simd::Isa;
use super::standardisation::Standardisation;
use super::winograd::{
    Activation, Destination, Fetch, Gated, Gradient, Grid, Pass, Relu, ReluPool, Unpooled,
};

/// What follows a convolution's `ReLU`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pool {
    /// Nothing.
    None,
    /// The maximum of 2x2 windows, stride 2; odd last rows and columns are dropped.
    Max,
    /// The mean of the same windows.
    Average,
}

impl Pool {
    /// A length after the pool.
    pub fn length(self, length: usize) -> usize {
        if self == Self::None {
            length
        } else {
            length / 2
        }
    }
}

#[derive(Debug)]
enum Form {
    Direct(Direct),
    Winograd(WinogradFilters),
}

/// Constant filters and bias of one layer, prepared for use.
#[derive(Debug)]
pub struct FusedLayer {
    isa: Isa,
    inputs: usize,
    outputs: usize,
    form: Form,
    bias: Vec<f32>,
}

impl FusedLayer {
    /// Prepares `weight`, in the order output, input, row (3), column (3), and one bias for each
    /// output.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize) -> Self {
        Self::with_isa(Isa::chosen(), weight, bias, inputs)
    }

    /// The same for a certain instruction set, which the machine must have.
    pub fn with_isa(isa: Isa, weight: &[f32], bias: &[f32], inputs: usize) -> Self {
        if padded(9 * inputs) <= PANEL {
            return Self::standardised(isa, weight, bias, Standardisation::none(inputs));
        }
        let filters = WinogradFilters::new(weight, bias.len(), inputs);
        Self::of_form(isa, Form::Winograd(filters), bias, inputs)
    }

    /// A layer that takes its few input channels to a standard first.
    pub fn standardised(isa: Isa, weight: &[f32], bias: &[f32], input: Standardisation) -> Self {
        let inputs = input.mean.len();
        let form = Form::Direct(Direct::new(weight, bias.len(), input));
        Self::of_form(isa, form, bias, inputs)
    }

    fn of_form(isa: Isa, form: Form, bias: &[f32], inputs: usize) -> Self {
        let outputs = bias.len();
        let mut bias = bias.to_vec();
        bias.resize(padded(outputs), 0.0);
        Self {
            isa,
            inputs,
            outputs,
            form,
            bias,
        }
    }

    /// Input and output channels.
    pub fn channels(&self) -> [usize; 2] {
        [self.inputs, self.outputs]
    }

    /// Whether input and its gradient are planes, channel after channel, and not channels-last.
    pub fn planar(&self) -> bool {
        matches!(self.form, Form::Direct(_))
    }

    /// Whether [`Self::gram_backward`] is there: for a first layer without padded channels.
    pub fn remakes(&self) -> bool {
        self.planar() && padded(self.outputs) == self.outputs
    }

    /// Adds the gradient of the map that the layer makes of `input`, without a pool, and whose Gram matrix over
    /// so many positions has the gradient `s`. The map itself is made anew, a few pixels at a time.
    ///
    /// Panics unless the layer [`remakes`](Self::remakes).
    pub fn gram_backward(
        &self,
        input: &[f32],
        [height, width]: [usize; 2],
        positions: f32,
        s: &[f32],
        out: &mut [f32],
    ) {
        let Form::Direct(direct) = &self.form else {
            panic!("a first layer");
        };
        assert_eq!(out.len(), height * width * self.outputs, "gradient");
        let right = gram::right(s, self.outputs, positions);
        let source = (input, height, width);
        direct.gram_backward(self.isa, source, &self.bias, &right, out);
    }

    /// Output, channels-last and pooled, and the bits for [`Self::backward`].
    ///
    /// `input` has `height` x `width` pixels and is planar where [`Self::planar`] says so.
    pub fn forward(
        &self,
        input: &[f32],
        [height, width]: [usize; 2],
        pool: Pool,
    ) -> (Buffer, Bits) {
        assert_eq!(input.len(), height * width * self.inputs, "input map");
        let outputs = padded(self.outputs);
        let mut bits = Bits::new(height * width, outputs);
        let pixels = pool.length(height) * pool.length(width);
        let mut out = Buffer::new(pixels * outputs);
        match &self.form {
            Form::Direct(direct) => {
                let source = (input, height, width);
                if pool == Pool::None {
                    direct.forward(self.isa, source, &self.bias, &mut out, &mut bits);
                } else {
                    let mut full = Buffer::new(height * width * outputs);
                    direct.forward(self.isa, source, &self.bias, &mut full, &mut bits);
                    bits.fill(0);
                    let shape = [height, width, outputs];
                    layout::pool(self.isa, &full, shape, pool, &mut out, &mut bits);
                }
            }
            Form::Winograd(filters) => {
                let padded_input = layout::pad(input, self.inputs, filters.inputs);
                let fetch = Activation {
                    shape: [height, width, filters.inputs],
                    data: padded_input.as_deref().unwrap_or(input),
                };
                let grid = Grid { height, width };
                let output = Destination {
                    out: &mut out,
                    out_row: pool.length(4) * pool.length(width) * outputs,
                    bits: &mut bits,
                    bits_row: 4 * width * outputs / 16,
                };
                let bias = &self.bias;
                macro_rules! convolve {
                    ($finish:expr) => {
                        Pass {
                            isa: self.isa,
                            filters,
                            direction: Direction::Forward,
                            grid,
                            fetch: &fetch,
                            finish: &$finish,
                        }
                        .run(output)
                    };
                }
                match pool {
                    Pool::None => convolve!(Relu { bias }),
                    Pool::Max => convolve!(ReluPool::<true> { bias }),
                    Pool::Average => convolve!(ReluPool::<false> { bias }),
                }
            }
        }
        (layout::crop(out, outputs, self.outputs), bits)
    }

    /// The gradient of the input, given that of the output.
    ///
    /// `height` and `width` are the input's; `pool` and `bits` are those of the forward pass.
    pub fn backward(
        &self,
        gradient: &[f32],
        bits: &Bits,
        [height, width]: [usize; 2],
        pool: Pool,
    ) -> Buffer {
        let pixels = pool.length(height) * pool.length(width);
        assert_eq!(
            gradient.len(),
            pixels * self.outputs,
            "gradient of the output"
        );
        let outputs = padded(self.outputs);
        assert_eq!(bits.len(), height * width * outputs / 16, "bits");
        let padded_gradient = layout::pad(gradient, self.outputs, outputs);
        let data = padded_gradient.as_deref().unwrap_or(gradient);
        let shape = [height, width, outputs];
        let bits: &[u16] = bits;
        match pool {
            Pool::None => self.back(&Gated { shape, data, bits }, [height, width]),
            Pool::Max => self.back(
                &Unpooled {
                    shape,
                    data,
                    bits,
                    share: 1.0,
                },
                [height, width],
            ),
            Pool::Average => self.back(
                &Unpooled {
                    shape,
                    data,
                    bits,
                    share: 0.25,
                },
                [height, width],
            ),
        }
    }

    fn back<F: Fetch>(&self, fetch: &F, [height, width]: [usize; 2]) -> Buffer {
        match &self.form {
            Form::Direct(direct) => direct.backward(self.isa, fetch, [height, width]),
            Form::Winograd(filters) => {
                let mut out = Buffer::new(height * width * filters.inputs);
                Pass {
                    isa: self.isa,
                    filters,
                    direction: Direction::Backward,
                    grid: Grid { height, width },
                    fetch,
                    finish: &Gradient {
                        channels: filters.inputs,
                    },
                }
                .run(Destination {
                    out: &mut out,
                    out_row: 4 * width * filters.inputs,
                    bits: &mut [],
                    bits_row: 0,
                });
                layout::crop(out, filters.inputs, self.inputs)
            }
        }
    }
}
