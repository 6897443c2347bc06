use std::fmt;
use std::str::FromStr;

use crate::named::named;
use crate::picture::Picture;
use crate::vgg::{Layer, UnknownLayer};

use super::Size;

/// What the optimisation starts from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Init {
    /// The content picture.
    #[default]
    Content,
    /// Normal noise with the mean and covariance of the first style picture's colours.
    Style,
    /// Middle grey.
    Grey,
    /// Uniform noise in [0, 1], from the job's seed.
    Noise,
    /// Normal noise of mean 0.5 and deviation 0.2 in every channel, from the job's seed.
    Normal,
    /// A picture of your own, stretched to the result's size.
    Picture(Picture),
}

impl Init {
    /// The name used in flags.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Style => "style",
            Self::Grey => "grey",
            Self::Noise => "noise",
            Self::Normal => "normal",
            Self::Picture(_) => "a picture",
        }
    }
}

/// Where the result's colours come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// The painting.
    #[default]
    Style,
    /// The photo: only the luminance is painted, with the painting's luminance statistics matched
    /// to the photo's first (Gatys et al. 2016, "Preserving Color in Neural Artistic Style
    /// Transfer", luminance-only transfer).
    Content,
    /// The painting, after its colours' mean and covariance were matched to the photo's (the same
    /// paper, colour matching).
    Match,
}

named!(Colour, "colour": Style = "style", Content = "content", Match = "match");

/// How large the style picture is made, which rules the size of the strokes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StyleSize {
    /// As large as the result (by the same [`Size`]), times this factor.
    Scale(f64),
    /// A size of its own, at the last scale.
    Own(Size),
}

impl Default for StyleSize {
    fn default() -> Self {
        Self::Scale(1.0)
    }
}

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

    fn from_str(text: &str) -> Result<Self, UnknownLayerWeight> {
        let Some((layer, weight)) = text.split_once(':') else {
            return Ok(text.parse::<Layer>()?.into());
        };
        let layer = layer.parse()?;
        match weight.parse::<f32>() {
            Ok(weight) if weight.is_finite() && weight >= 0.0 => Ok(Self { layer, weight }),
            _ => Err(UnknownLayerWeight::Weight(text.to_owned())),
        }
    }
}

/// beta / alpha at half strength.
const USUAL: f32 = 20.0;

/// The weights (alpha, beta) of a strength from 0 (the photo) to 1 (the pure style).
///
/// beta / alpha = 20 (s / (1 - s))^2: a half is the default, a quarter is gentle (2.2) and three
/// quarters strong (180).
pub fn strength(s: f32) -> (f32, f32) {
    if s >= 1.0 {
        return (0.0, USUAL);
    }
    (1.0, USUAL * (s / (1.0 - s)).powi(2))
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
        for wrong in [
            "block2_conv1:",
            "block2_conv1:-1",
            "block2_conv1:nan",
            "b:1",
        ] {
            assert!(wrong.parse::<LayerWeight>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn strength_goes_from_the_photo_through_the_default_to_the_pure_style() {
        assert_eq!(strength(0.0), (1.0, 0.0));
        let usual = crate::Job::default();
        assert_eq!(strength(0.5), (usual.alpha, usual.beta));
        assert!(strength(1.0).0.abs() < f32::EPSILON);
        assert!(strength(0.3).1 < strength(0.4).1);
    }
}
