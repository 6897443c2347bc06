use super::Size;
use crate::arch::Layer;
use crate::setting::SettingError;

/// A job that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum JobError {
    /// A setting that cannot be by itself.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A run that takes more memory than there is.
    #[error(
        "this would take about {needed} of memory, and {limit} may be taken: {}",
        .fits.map_or("no size fits".to_owned(), |n| {
            format!("--size {n} fits (--fit chooses it, --max-memory moves the bound)")
        })
    )]
    Memory {
        /// What it would take, for people.
        needed: String,
        /// What it may take, for people.
        limit: String,
        /// The largest `--size` that fits, of the kind asked for.
        fits: Option<Size>,
    },
    /// No style picture.
    #[error("--style is missing: at least one painting is needed")]
    NoStyle,
    /// A mask without the other of its pair.
    #[error(
        "{content} --content-mask and {style} --style-mask with {pictures} --style: give as many \
         content masks as style masks, or as style pictures"
    )]
    Masks {
        /// Number of content masks.
        content: usize,
        /// Number of style masks.
        style: usize,
        /// Number of style pictures.
        pictures: usize,
    },
    /// A region without a pixel.
    #[error("the {which} is empty: a region must be bright somewhere, so that it takes part")]
    EmptyMask {
        /// Which mask: `--content-mask number 2`.
        which: String,
    },
    /// A picture that would be longer than files hold.
    #[error(
        "the {picture} picture becomes {width}x{height}: both sides must be at most {longest} \
         pixels; lower --size, or --style-size for the style picture"
    )]
    TooLarge {
        /// `content` or `style`.
        picture: &'static str,
        /// Width after resizing.
        width: usize,
        /// Height after resizing.
        height: usize,
        /// Longest side that works.
        longest: usize,
    },
    /// A picture that vanishes before the deepest layer.
    #[error(
        "the {picture} picture becomes {width}x{height}, too small for {deepest}: \
         both sides must be at least {smallest} pixels; raise --size, use a less narrow \
         picture, or choose layers of an earlier block"
    )]
    TooSmall {
        /// `content` or `style`.
        picture: &'static str,
        /// Width after resizing.
        width: usize,
        /// Height after resizing.
        height: usize,
        /// The deepest layer asked for.
        deepest: Layer,
        /// Smallest side that works.
        smallest: usize,
    },
}
