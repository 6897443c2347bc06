use crate::named::named;
use crate::picture::Picture;

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
