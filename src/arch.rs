//! The shape of VGG16 and VGG19: one channel table serves both.
//!
//! Source: Simonyan and Zisserman (2015), table 1, columns D and E. Layers are named as in
//! Keras: `block3_conv1` is the first convolution after the second pool.

use std::fmt;
use std::str::FromStr;

use crate::named::named;

/// Output channels of every convolution in blocks 1 to 5.
pub const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

/// Which of the two networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Model {
    /// 13 convolutions.
    Vgg16,
    /// 16 convolutions.
    Vgg19,
}

impl Model {
    /// Number of convolutions in each block.
    #[must_use]
    pub const fn convolutions(self) -> [u8; 5] {
        match self {
            Self::Vgg16 => [2, 2, 3, 3, 3],
            Self::Vgg19 => [2, 2, 4, 4, 4],
        }
    }

    /// Every convolution, from the picture to the deepest.
    pub fn layers(self) -> impl Iterator<Item = Layer> {
        (1..=5u8).flat_map(move |block| {
            let count = self.convolutions()[usize::from(block) - 1];
            (1..=count).map(move |conv| Layer { block, conv })
        })
    }

    /// Its layers from the picture down to `deepest`, in order.
    pub fn layers_to(self, deepest: Layer) -> impl Iterator<Item = Layer> {
        self.layers().take_while(move |&layer| layer <= deepest)
    }

    /// How far, in pixels, a feature of `deepest` looks to each side: one pixel of its own map for
    /// every convolution on the way, and what a pool may shift.
    pub fn reach(self, deepest: Layer) -> usize {
        let convolutions: usize = self.layers_to(deepest).map(|l| 1 << l.halvings()).sum();
        convolutions + (1 << deepest.halvings()) - 1
    }

    /// Whether the network has this layer.
    #[must_use]
    pub fn has(self, layer: Layer) -> bool {
        self.layers().any(|l| l == layer)
    }

    /// Whether a 2x2 pool follows this layer.
    #[must_use]
    pub fn ends_block(self, layer: Layer) -> bool {
        layer.conv == self.convolutions()[usize::from(layer.block) - 1]
    }

    /// The layer's index in torchvision's `features` list, where a convolution and its ReLU
    /// take two places and a pool one.
    #[must_use]
    pub fn torchvision_index(self, layer: Layer) -> usize {
        let convs = self.convolutions();
        let before: usize = convs[..usize::from(layer.block) - 1]
            .iter()
            .map(|&n| 2 * usize::from(n) + 1)
            .sum();
        before + 2 * (usize::from(layer.conv) - 1)
    }
}

named!(Model, "model": Vgg16 = "vgg16", Vgg19 = "vgg19");

/// How the network halves its maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pooling {
    /// The maximum of 2x2 pixels, as the networks were trained.
    #[default]
    Max,
    /// Their mean, which Gatys et al. (2016) found to look smoother.
    Average,
}

named!(Pooling, "pool": Max = "max", Average = "avg");

/// What lies beyond the picture's border for the first convolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Padding {
    /// Zeros, as the networks were trained.
    #[default]
    Zero,
    /// The border's own pixels.
    Replicate,
}

named!(Padding, "padding": Zero = "zero", Replicate = "replicate");

/// One convolution and the ReLU after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Layer {
    /// Block, 1 to 5.
    pub block: u8,
    /// Convolution within the block, from 1.
    pub conv: u8,
}

impl Layer {
    /// A layer by block and convolution, both counted from 1.
    #[must_use]
    pub const fn new(block: u8, conv: u8) -> Self {
        Self { block, conv }
    }

    /// Input channels.
    #[must_use]
    pub const fn inputs(self) -> usize {
        match (self.block, self.conv) {
            (1, 1) => 3,
            (block, 1) => CHANNELS[block as usize - 2],
            _ => self.outputs(),
        }
    }

    /// Output channels.
    #[must_use]
    pub const fn outputs(self) -> usize {
        CHANNELS[self.block as usize - 1]
    }

    /// How often the picture has been halved before this layer.
    #[must_use]
    pub const fn halvings(self) -> u32 {
        self.block as u32 - 1
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block{}_conv{}", self.block, self.conv)
    }
}

impl FromStr for Layer {
    type Err = UnknownLayer;

    /// `block4_conv2`, or `conv4_2` as Gatys et al. (2016) write it.
    fn from_str(s: &str) -> Result<Self, UnknownLayer> {
        let short = |layer: Layer| format!("conv{}_{}", layer.block, layer.conv);
        let mut layers = Model::Vgg19.layers();
        layers
            .find(|&layer| layer.to_string() == s || short(layer) == s)
            .ok_or_else(|| UnknownLayer(s.to_owned()))
    }
}

/// The text names no layer of VGG16 or VGG19.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown layer `{0}`: layers are named block1_conv1 (or conv1_1) to block5_conv4")]
pub struct UnknownLayer(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vgg16_has_thirteen_and_vgg19_sixteen_convolutions() {
        assert_eq!(Model::Vgg16.layers().count(), 13);
        assert_eq!(Model::Vgg19.layers().count(), 16);
    }

    #[test]
    fn names_read_back_as_the_same_layer() {
        for layer in Model::Vgg19.layers() {
            assert_eq!(layer.to_string().parse(), Ok(layer));
        }
        assert_eq!("conv4_2".parse(), Ok(Layer::new(4, 2)));
        assert!("conv4_5".parse::<Layer>().is_err());
        assert!("block6_conv1".parse::<Layer>().is_err());
        assert!("vgg11".parse::<Model>().is_err());
    }

    #[test]
    fn each_layer_reads_as_many_channels_as_the_one_before_writes() {
        for model in Model::ALL {
            let mut channels = 3;
            for layer in model.layers() {
                assert_eq!(layer.inputs(), channels, "{layer}");
                channels = layer.outputs();
            }
        }
    }

    #[test]
    fn the_deepest_usual_layer_looks_a_hundred_pixels_far() {
        assert_eq!(Model::Vgg19.reach(Layer::new(5, 2)), 86 + 15);
        assert_eq!(Model::Vgg16.reach(Layer::new(5, 2)), 74 + 15);
        assert_eq!(Model::Vgg16.reach(Layer::new(1, 1)), 1);
    }

    #[test]
    fn torchvision_counts_convolutions_relus_and_pools() {
        // The convolutions of torchvision.models.vgg19().features.
        let expected = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34];
        let found: Vec<_> = Model::Vgg19
            .layers()
            .map(|l| Model::Vgg19.torchvision_index(l))
            .collect();
        assert_eq!(found, expected);
    }
}
