//! VGG16 and VGG19 as burn modules: from a picture to named feature maps.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::ops::PadMode;
use burn::tensor::{Device, Tensor};

pub use crate::arch::{CHANNELS, Layer, Model, Padding, Pooling, UnknownLayer};

use crate::kernels::{Filters, Pool, Standardisation, conv_relu, part, pool};
use crate::weights::{Convolution, Preprocessing, Weights};

/// The layer that sees the picture.
const FIRST: Layer = Layer::new(1, 1);

/// Feature maps by layer, each `[1, channels, height, width]`.
pub type Features = BTreeMap<Layer, Tensor<4>>;

/// A VGG network whose weights are constants: no gradient is ever computed for them.
#[derive(Module, Debug)]
pub struct Vgg {
    #[module(skip)]
    convolutions: Vec<Filters>,
    #[module(skip)]
    device: Device,
    #[module(skip)]
    model: Model,
    #[module(skip)]
    pooling: Pooling,
    #[module(skip)]
    padding: Padding,
}

impl Vgg {
    /// Moves checked weights to a device, as deep as the weights go.
    pub fn new(weights: Weights, device: &Device) -> Self {
        let device = device.clone().without_autodiff();
        let input = preprocessing(weights.preprocessing);
        let mut given = weights.convolutions;
        let layers = weights.model.layers();
        let given = layers.map_while(|layer| Some((layer, given.remove(&layer)?)));
        let filters = given.map(|(layer, Convolution { weight, bias })| match layer {
            FIRST => Filters::standardised(&weight, &bias, &input, &device),
            _ => Filters::new(&weight, &bias, &device),
        });
        Self {
            convolutions: filters.collect(),
            device,
            model: weights.model,
            pooling: Pooling::default(),
            padding: Padding::default(),
        }
    }

    /// The same weights with another pooling and padding.
    #[must_use]
    pub fn with(&self, pooling: Pooling, padding: Padding) -> Self {
        Self {
            pooling,
            padding,
            ..self.clone()
        }
    }

    /// Which network this is.
    pub fn model(&self) -> Model {
        self.model
    }

    /// The device the weights live on, without autodiff.
    pub fn device(&self) -> Device {
        self.device.clone()
    }

    /// The layers this network has weights for, from the picture inwards.
    pub fn layers(&self) -> impl Iterator<Item = Layer> {
        self.model.layers().take(self.convolutions.len())
    }

    /// The ReLU outputs of `layers` for a picture `x` of shape `[1, 3, height, width]`, sRGB in
    /// [0, 1].
    ///
    /// # Panics
    ///
    /// As [`Vgg::visit`].
    pub fn features(&self, x: Tensor<4>, layers: &[Layer]) -> Features {
        let mut found = Features::new();
        self.visit(x, layers, |layer, map| {
            found.insert(layer, map.clone());
        });
        found
    }

    /// Shows the ReLU outputs of `layers` to `see`, each before the next layer is computed and kept no longer
    /// than `see` keeps it. Runs only as deep as the deepest of them.
    ///
    /// # Panics
    ///
    /// If a layer is asked for that the network has no weights for, or that the picture is too
    /// small for: [`Job::plan`](crate::job::Job::plan) rules out both.
    pub fn visit(&self, x: Tensor<4>, layers: &[Layer], mut see: impl FnMut(Layer, &Tensor<4>)) {
        let Some(&deepest) = layers.iter().max() else {
            return;
        };
        let kind = match self.pooling {
            Pooling::Max => Pool::Max,
            Pooling::Average => Pool::Average,
        };
        let mut x = x;
        for (layer, filters) in self.model.layers().zip(&self.convolutions) {
            let (wanted, ends_block) = (layers.contains(&layer), self.model.ends_block(layer));
            let fused = ends_block && !wanted;
            x = if layer == FIRST && self.padding == Padding::Replicate {
                replicated(x, filters)
            } else {
                conv_relu(x, filters, if fused { kind } else { Pool::None })
            };
            if wanted {
                see(layer, &x);
            }
            if layer == deepest {
                return;
            }
            if ends_block && !fused {
                x = pool(x, kind);
            }
        }
        panic!("{} here has no weights for {deepest}", self.model)
    }
}

/// A convolution and `ReLU` that sees the border's own pixels beyond it, where [`conv_relu`] sees
/// zeros: on a picture with one more pixel all around, of which the outermost is left out again.
fn replicated(x: Tensor<4>, filters: &Filters) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let padded = x.pad((1, 1, 1, 1), PadMode::Edge);
    part(
        conv_relu(padded, filters, Pool::None),
        1..height + 1,
        1..width + 1,
    )
}

/// What a picture is taken to before the first layer: what the network was trained on.
///
/// Caffe: 255 rgb - (123.68, 116.779, 103.939), the means of the Oxford VGG release.
/// Torchvision: (rgb - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225).
fn preprocessing(kind: Preprocessing) -> Standardisation {
    let (mean, scale) = match kind {
        Preprocessing::Caffe => ([123.68, 116.779, 103.939].map(|m| m / 255.0), [255.0; 3]),
        Preprocessing::Torchvision => (
            [0.485, 0.456, 0.406],
            [0.229_f32, 0.224, 0.225].map(f32::recip),
        ),
    };
    Standardisation {
        mean: mean.to_vec(),
        scale: scale.to_vec(),
    }
}
