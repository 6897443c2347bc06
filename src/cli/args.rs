use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};
use nst::device::Backend;
use nst::loss::Normalisation;
use nst::optimize::Method;
use nst::vgg::{Layer, Model};
use nst::weights::Choice;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  nst --content photo.jpg --style painting.jpg -o out.png
  nst -c photo.jpg -s painting.jpg --size 1024 --steps 500 --beta 100 -o large.png
  nst -c photo.jpg -s painting.jpg --json --quiet -o out.png | jq .total";

/// Paint a photo in the style of a painting (Gatys, Ecker and Bethge 2016).
#[derive(Debug, Parser)]
#[command(version, styles = STYLES, after_help = EXAMPLES, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(args_override_self = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub transfer: Transfer,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the CPU and GPU backends of this machine
    Devices,
    /// Fetch, import, list and check the networks' weights
    Weights(super::weights::WeightsArgs),
    /// Measure one step on the CPU, phase by phase, against the machine's peak
    Bench(super::bench::BenchArgs),
    /// Start the GPU and print it, for a parent that survives a crashing driver
    #[command(hide = true)]
    ProbeGpu,
}

#[derive(Args, Debug)]
pub struct Transfer {
    #[command(flatten)]
    pub pictures: Pictures,
    #[command(flatten)]
    pub style: Style,
    #[command(flatten)]
    pub optimisation: Optimisation,
    #[command(flatten)]
    pub hardware: Hardware,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Pictures")]
pub struct Pictures {
    /// The photo: PNG, JPEG, WebP, TIFF, BMP or GIF
    #[arg(short, long, value_name = "FILE", required = true)]
    pub content: Option<PathBuf>,

    /// The painting, in any of the same formats
    #[arg(short, long, value_name = "FILE", required = true)]
    pub style: Option<PathBuf>,

    /// Where the result goes: .png, .jpg, .webp or .tif [default: named after both, here]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Long side of the result, in pixels
    #[arg(long, value_name = "N", default_value_t = 512)]
    pub size: usize,

    /// Start from the content, the style, noise, or a picture of your own
    #[arg(
        long,
        value_name = "content|style|noise|FILE",
        default_value = "content"
    )]
    pub init: PathBuf,

    /// Seed of the noise
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Style")]
#[expect(clippy::struct_field_names, reason = "fields are named as their flags")]
pub struct Style {
    /// The network: vgg16 or vgg19
    #[arg(short, long, value_name = "MODEL", default_value_t = Model::Vgg19)]
    pub model: Model,

    /// Weight of the content loss, 0 or more
    #[arg(
        short,
        long,
        value_name = "X",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    pub alpha: f32,

    /// Weight of the style loss, 0 or more: try 10 to 100
    #[arg(
        short,
        long,
        value_name = "X",
        default_value_t = 30.0,
        allow_negative_numbers = true
    )]
    pub beta: f32,

    /// Layer of the content loss (several: L,L)
    #[arg(
        long,
        value_name = "L",
        value_delimiter = ',',
        default_value = "block5_conv2"
    )]
    pub content_layer: Vec<Layer>,

    /// Layers of the style loss
    #[arg(
        long,
        value_name = "L,L",
        value_delimiter = ',',
        default_value = "block1_conv1,block2_conv1,block3_conv1,block4_conv1,block5_conv1"
    )]
    pub style_layers: Vec<Layer>,

    /// How losses are normalised: balanced (no unit) or paper (Gatys et al.)
    #[arg(long, value_name = "KIND", default_value_t = Normalisation::Balanced)]
    pub loss: Normalisation,

    /// Weights of the network: a file, `imagenet` or `builtin` [default: the best of
    /// $NST_WEIGHTS, the cache, ./weights, a download, and the built-in ones]
    #[arg(short, long, value_name = "FILE")]
    pub weights: Option<Choice>,

    /// Never fetch weights from the network (also: $NST_OFFLINE)
    #[arg(long)]
    pub offline: bool,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Optimisation")]
pub struct Optimisation {
    /// Number of updates of the picture
    #[arg(short = 'n', long, value_name = "N", default_value_t = 300)]
    pub steps: usize,

    /// Learning rate, above 0: with adam, the most a pixel of [0, 1] moves in one step
    #[arg(
        long,
        value_name = "X",
        default_value_t = 0.02,
        allow_negative_numbers = true
    )]
    pub lr: f32,

    /// How a gradient becomes an update: adam or gd (gradient descent)
    #[arg(long, value_name = "METHOD", default_value_t = Method::Adam)]
    pub optimizer: Method,

    /// Number of coarse-to-fine scales (only 1 so far)
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub scales: usize,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Hardware")]
pub struct Hardware {
    /// Where to compute: cpu, gpu, ndarray (slow, a check) or auto
    #[arg(long, value_name = "NAME", default_value_t = Backend::Cpu)]
    pub backend: Backend,

    /// Number of CPU threads [default: all physical cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// Also save the picture every N steps, as NAME-00050.png and so on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub save_every: Option<u32>,

    /// Replace the output file if it exists
    #[arg(long)]
    pub overwrite: bool,

    /// Print no progress and no notes
    #[arg(short, long)]
    pub quiet: bool,

    /// Print one JSON object per step, and one at the end, on standard output
    #[arg(long)]
    pub json: bool,
}
