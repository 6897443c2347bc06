use std::fmt;
use std::str::FromStr;

use crate::arch::{Layer, UnknownLayer};

/// A layer and how much its loss counts among its kind, 0 or more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerWeight {
    /// The layer, after its `ReLU`.
    pub layer: Layer,
    /// Its weight; only the ratio to the other layers' matters.
    pub weight: f32,
}

impl From<Layer> for LayerWeight {
    fn from(layer: Layer) -> Self {
        Self { layer, weight: 1.0 }
    }
}

impl fmt::Display for LayerWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.layer)?;
        if self.weight.to_bits() != 1.0_f32.to_bits() {
            write!(f, ":{}", self.weight)?;
        }
        Ok(())
    }
}

/// The text is no layer with a weight.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownLayerWeight {
    /// The part before the colon is no layer.
    #[error(transparent)]
    Layer(#[from] UnknownLayer),
    /// The part after the colon is no number.
    #[error("`{0}`: the weight after the colon must be a number from 0 up")]
    Weight(String),
}

impl FromStr for LayerWeight {
    type Err = UnknownLayerWeight;

    /// `block4_conv2` or `block4_conv2:0.5`, with spaces around the parts if you like.
    fn from_str(text: &str) -> Result<Self, UnknownLayerWeight> {
        let Some((layer, weight)) = text.split_once(':') else {
            return Ok(text.trim().parse::<Layer>()?.into());
        };
        let layer = layer.trim().parse()?;
        match weight.trim().parse::<f32>() {
            Ok(weight) if weight.is_finite() && weight >= 0.0 => Ok(Self { layer, weight }),
            _ => Err(UnknownLayerWeight::Weight(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_may_carry_a_weight() {
        let plain: LayerWeight = "block1_conv1".parse().unwrap();
        assert_eq!(plain, Layer::new(1, 1).into());
        let text = "block2_conv1:0.25";
        let weighted: LayerWeight = text.parse().unwrap();
        assert!((weighted.weight - 0.25).abs() < f32::EPSILON);
        assert_eq!(weighted.to_string(), text);
        assert_eq!(" conv2_1 : 0.25 ".parse(), Ok(weighted));
        for wrong in [
            "block2_conv1:",
            "block2_conv1:-1",
            "block2_conv1:nan",
            "b:1",
        ] {
            assert!(wrong.parse::<LayerWeight>().is_err(), "{wrong}");
        }
    }
}
