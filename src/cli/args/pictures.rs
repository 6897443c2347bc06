use std::path::PathBuf;

use clap::Args;
use nst::job::{Colour, Size};

use super::ResultSize;
use super::choice::{area, choice};
use super::role::{Role, Roles};

#[derive(Args, Debug)]
#[command(next_help_heading = "Pictures")]
pub struct Pictures {
    /// The photo, as with --content
    #[arg(
        value_name = "PHOTO",
        conflicts_with = "content",
        help_heading = "Arguments",
        display_order = 1
    )]
    pub photo: Option<PathBuf>,

    /// The painting, as with --style
    #[arg(
        value_name = "PAINTING",
        conflicts_with = "style",
        help_heading = "Arguments",
        display_order = 2
    )]
    pub painting: Option<PathBuf>,

    /// Where the result goes, as with --output
    #[arg(
        value_name = "RESULT",
        conflicts_with = "output",
        help_heading = "Arguments",
        display_order = 3
    )]
    pub result: Option<PathBuf>,

    /// The photo: PNG, JPEG, WebP, TIFF, BMP or GIF; - is standard input
    #[arg(short, long, value_name = "FILE", required_unless_present = "photo")]
    pub content: Option<PathBuf>,

    /// The painting, in any of the same formats; repeat it to mix several; `a.jpg:2` counts twice
    #[arg(
        short,
        long,
        value_name = "FILE[:X]",
        required_unless_present = "painting"
    )]
    pub style: Vec<PathBuf>,

    /// Where the result goes: .png, .jpg, .webp or .tif, or - for standard output [default: named
    /// after both, here]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Size of the result: 512 (long side), 1024x (width), x768 (height), or 1024x768, which the
    /// photo is cut to fill
    #[arg(
        long,
        value_name = "N",
        default_value = "512",
        allow_negative_numbers = true
    )]
    pub size: ResultSize,

    /// Area of the result instead, whatever its shape: 0.5MP
    #[arg(
        long,
        value_name = "X",
        conflicts_with = "size",
        value_parser = area,
        allow_negative_numbers = true
    )]
    pub area: Option<Size>,

    /// Size of the paintings, as a multiple of the result's: more makes larger strokes
    #[arg(
        long,
        value_name = "X",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    pub style_scale: f64,

    /// Size of the paintings in pixels instead, as in --size
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "style_scale",
        allow_negative_numbers = true
    )]
    pub style_size: Option<Size>,

    /// A grey picture whose bright part of the photo takes its style from the painting (or the
    /// part of it) given with it; repeat it, one for each painting or --style-mask
    #[arg(long, value_name = "FILE")]
    pub content_mask: Vec<PathBuf>,

    /// A grey picture whose bright part of the painting is the style of the photo's region
    #[arg(long, value_name = "FILE")]
    pub style_mask: Vec<PathBuf>,

    /// Where colours come from: content keeps the photo's, match moves the painting's to the
    /// photo's first
    #[arg(long, alias = "colour", value_name = "KIND", default_value_t = Colour::Style, value_parser = choice::<Colour>())]
    pub color: Colour,

    /// Start from content, style (noise of its colours), grey, noise, normal (noise), or a picture
    /// of your own
    #[arg(
        long,
        value_name = "content|style|grey|noise|normal|FILE",
        default_value = "content"
    )]
    pub init: PathBuf,

    /// Seed of the noise
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Largest picture to read, in megapixels: more is refused before it takes memory
    #[arg(long, value_name = "N", default_value_t = 400,
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_pixels: u32,

    /// Read a JPEG of which a tenth or more is missing: that part is grey
    #[arg(long)]
    pub allow_cut: bool,
}

impl Pictures {
    /// What each flag does.
    pub(super) const ROLES: Roles = &[
        (
            Role::Input,
            &["content", "style", "content-mask", "style-mask", "init"],
        ),
        (
            Role::Picture,
            &[
                "size",
                "area",
                "style-scale",
                "style-size",
                "color",
                "seed",
                "max-pixels",
                "allow-cut",
            ],
        ),
        (Role::Output, &["output"]),
    ];

    /// The flags for which pictures may be named without one, by the pictures' fields.
    pub(super) const UNNAMED: [(&str, &str); 3] = [
        ("photo", "content"),
        ("painting", "style"),
        ("result", "output"),
    ];

    /// The same pictures, all under their flags.
    #[must_use]
    pub fn flagged(mut self) -> Self {
        self.content = self.content.or(self.photo.take());
        self.style.extend(self.painting.take());
        self.output = self.output.or(self.result.take());
        self
    }
}
