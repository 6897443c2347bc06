//! What the tensors of a VGG are called, by whom, and how they are laid out.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::arch::{Layer, Model};

use super::Preprocessing;
use super::container::Entry;

/// A convention for names and layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// `block1_conv1.weight`, OIHW, RGB.
    Ours,
    /// `features.0.weight`, OIHW, RGB: torchvision and timm.
    Torchvision,
    /// `block1_conv1/…/kernel:0`, HWIO, BGR: Keras.
    Keras,
}

impl Naming {
    /// The convention a file follows, judged by its names alone.
    pub fn detect(entries: &BTreeMap<String, Entry>) -> Option<Self> {
        [Self::Ours, Self::Torchvision, Self::Keras]
            .into_iter()
            .find(|naming| !naming.convolutions(entries).is_empty())
    }

    /// The preprocessing that goes with the convention; ours must be told by the file.
    pub fn preprocessing(self) -> Option<Preprocessing> {
        match self {
            Self::Ours => None,
            Self::Torchvision => Some(Preprocessing::Torchvision),
            Self::Keras => Some(Preprocessing::Caffe),
        }
    }

    /// The names of a layer's kernel and bias. Keras has used several, so its names are
    /// looked up.
    pub fn tensors(
        self,
        model: Model,
        layer: Layer,
        entries: &BTreeMap<String, Entry>,
    ) -> (String, String) {
        match self {
            Self::Ours => (format!("{layer}.weight"), format!("{layer}.bias")),
            Self::Torchvision => {
                let n = model.torchvision_index(layer);
                (format!("features.{n}.weight"), format!("features.{n}.bias"))
            }
            Self::Keras => {
                let find = |role: Role| {
                    entries
                        .keys()
                        .find(|path| keras_role(path, layer) == Some(role))
                        .cloned()
                };
                (
                    find(Role::Kernel).unwrap_or_else(|| format!("{layer}/{layer}/kernel:0")),
                    find(Role::Bias).unwrap_or_else(|| format!("{layer}/{layer}/bias:0")),
                )
            }
        }
    }

    /// The names of all kernels in the file that follow the convention.
    fn convolutions(self, entries: &BTreeMap<String, Entry>) -> BTreeSet<String> {
        match self {
            Self::Torchvision => entries
                .iter()
                .filter(|(name, entry)| entry.shape.len() == 4 && is_torchvision_kernel(name))
                .map(|(name, _)| name.clone())
                .collect(),
            // VGG19's layers include all of VGG16's.
            Self::Ours | Self::Keras => Model::Vgg19
                .layers()
                .map(|layer| self.tensors(Model::Vgg19, layer, entries).0)
                .filter(|name| entries.contains_key(name))
                .collect(),
        }
    }

    /// The deepest layer of `model` whose kernel is in the file.
    pub fn deepest(self, model: Model, entries: &BTreeMap<String, Entry>) -> Option<Layer> {
        model
            .layers()
            .filter(|&layer| entries.contains_key(&self.tensors(model, layer, entries).0))
            .last()
    }

    /// The network in the file by its layers: the one with fewer kernels missing above the
    /// file's deepest layer and fewer left over. `None` when both fit equally: VGG16 and
    /// VGG19 are the same down to `block3_conv3`.
    pub fn model(self, entries: &BTreeMap<String, Entry>) -> Option<Model> {
        let present = self.convolutions(entries);
        let [(vgg16, of_16), (vgg19, of_19)] = Model::ALL.map(|model| {
            let deepest = self.deepest(model, entries);
            let wanted: BTreeSet<_> = model
                .layers()
                .filter(|&layer| Some(layer) <= deepest)
                .map(|layer| self.tensors(model, layer, entries).0)
                .collect();
            (model, wanted.symmetric_difference(&present).count())
        });
        match of_16.cmp(&of_19) {
            Ordering::Less => Some(vgg16),
            Ordering::Equal => None,
            Ordering::Greater => Some(vgg19),
        }
    }

    /// The shape of a layer's kernel as the file should have it.
    pub fn kernel_shape(self, layer: Layer) -> Vec<usize> {
        let (o, i) = (layer.outputs(), layer.inputs());
        match self {
            Self::Ours | Self::Torchvision => vec![o, i, 3, 3],
            Self::Keras => vec![3, 3, i, o],
        }
    }

    /// A kernel of [`Naming::kernel_shape`] as OIHW in RGB order.
    pub fn to_oihw(self, layer: Layer, kernel: Vec<f32>) -> Vec<f32> {
        match self {
            Self::Ours | Self::Torchvision => kernel,
            Self::Keras => {
                let bgr = layer == Layer::new(1, 1);
                hwio_to_oihw(&kernel, layer.inputs(), layer.outputs(), bgr)
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Kernel,
    Bias,
}

/// What a Keras dataset is to a layer: the path holds the layer's name as a whole component
/// and ends in `kernel:0`, `kernel`, `<layer>_W_1:0` and the like.
fn keras_role(path: &str, layer: Layer) -> Option<Role> {
    let layer = layer.to_string();
    let (folders, last) = path.rsplit_once('/')?;
    if folders.starts_with("optimizer_weights") || !folders.split('/').any(|c| c == layer) {
        return None;
    }
    let last = last.split(':').next().unwrap_or(last);
    match last.strip_prefix(&layer).unwrap_or(last) {
        "kernel" | "_W" | "_W_1" => Some(Role::Kernel),
        "bias" | "_b" | "_b_1" => Some(Role::Bias),
        _ => None,
    }
}

fn is_torchvision_kernel(name: &str) -> bool {
    name.strip_prefix("features.")
        .and_then(|rest| rest.strip_suffix(".weight"))
        .is_some_and(|n| n.parse::<u32>().is_ok())
}

/// Moves `[3, 3, inputs, outputs]` to `[outputs, inputs, 3, 3]`, turning the inputs around
/// when they come as BGR.
fn hwio_to_oihw(kernel: &[f32], inputs: usize, outputs: usize, bgr: bool) -> Vec<f32> {
    let mut oihw = vec![0.0; kernel.len()];
    for (row, values) in kernel.chunks_exact(outputs).enumerate() {
        let (tap, i) = (row / inputs, row % inputs);
        let i = if bgr { inputs - 1 - i } else { i };
        for (o, &value) in values.iter().enumerate() {
            oihw[(o * inputs + i) * 9 + tap] = value;
        }
    }
    oihw
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_kernel_value_lands_where_its_indices_say(
            inputs in 1..6_usize, outputs in 1..6_usize, bgr: bool,
        ) {
            let hwio: Vec<f32> = (0..9 * inputs * outputs).map(|n| n as f32).collect();
            let oihw = hwio_to_oihw(&hwio, inputs, outputs, bgr);
            for (h, w, i, o) in (0..3).flat_map(|h| (0..3).flat_map(move |w| {
                (0..inputs).flat_map(move |i| (0..outputs).map(move |o| (h, w, i, o)))
            })) {
                let from = if bgr { inputs - 1 - i } else { i };
                let expected = hwio[((h * 3 + w) * inputs + from) * outputs + o];
                let found = oihw[((o * inputs + i) * 3 + h) * 3 + w];
                prop_assert_eq!(found.to_bits(), expected.to_bits());
            }
        }
    }

    #[test]
    fn keras_datasets_are_known_by_layer_and_role() {
        let layer = Layer::new(1, 1);
        for (path, role) in [
            ("block1_conv1/block1_conv1_W_1:0", Some("kernel")),
            ("block1_conv1/block1_conv1_b_1:0", Some("bias")),
            ("block1_conv1/block1_conv1/kernel:0", Some("kernel")),
            (
                "model_weights/block1_conv1/block1_conv1/bias:0",
                Some("bias"),
            ),
            (
                "model_weights/block1_conv1/vgg19/block1_conv1/kernel",
                Some("kernel"),
            ),
            ("optimizer_weights/block1_conv1/kernel:0", None),
            ("block1_conv2/block1_conv2/kernel:0", None),
            ("block1_conv1", None),
            ("block1_conv1/gamma:0", None),
        ] {
            let found = keras_role(path, layer).map(|role| match role {
                Role::Kernel => "kernel",
                Role::Bias => "bias",
            });
            assert_eq!(found, role, "{path}");
        }
    }
}
