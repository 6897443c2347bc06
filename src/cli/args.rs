use std::path::PathBuf;

use bytesize::ByteSize;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};
use nst::Job;
use nst::device::{self, Backend};
use nst::job::{Colour, LayerWeight, Preset, Size};
use nst::loss::{Normalisation, StyleLoss};
use nst::optimize::Method;
use nst::picture::Depth;
use nst::vgg::{Model, Padding, Pooling};
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
    /// Paint a list of jobs, or every photo in the style of every painting
    Batch(super::batch::BatchArgs),
    /// Print the command that made a picture, and make it again
    Replay(super::replay::ReplayArgs),
    /// Print scales, layers, memory and time of a transfer without running it
    Plan(Box<Transfer>),
    /// List the CPU and GPU backends of this machine
    Devices,
    /// Fetch, import, list and check the networks' weights
    Weights(super::weights::WeightsArgs),
    /// Print the completion script of a shell
    Completions(super::manual::CompletionsArgs),
    /// Print the manual page
    Man(super::manual::ManArgs),
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

    /// The painting, in any of the same formats; repeat it to mix several; `a.jpg:2` counts twice
    #[arg(short, long, value_name = "FILE[:X]", required = true)]
    pub style: Vec<PathBuf>,

    /// Where the result goes: .png, .jpg, .webp or .tif [default: named after both, here]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Size of the result: 512 (long side), 1024x (width), x768 (height)
    #[arg(
        long,
        value_name = "N",
        default_value = "512",
        allow_negative_numbers = true
    )]
    pub size: Size,

    /// Area of the result instead, whatever its shape: 0.5MP
    #[arg(
        long,
        value_name = "X",
        conflicts_with = "size",
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

    /// Where colours come from: style, content (keep the photo's) or match (move the painting's
    /// to the photo's first)
    #[arg(long, alias = "colour", value_name = "KIND", default_value_t = Colour::Style)]
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
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Style")]
#[expect(clippy::struct_field_names, reason = "fields are named as their flags")]
pub struct Style {
    /// The network: vgg16 or vgg19
    #[arg(short, long, value_name = "MODEL", default_value_t = Model::Vgg19)]
    pub model: Model,

    /// How strong the style is, 0 (the photo) to 1 (the pure style): sets alpha and beta
    #[arg(long, value_name = "X", conflicts_with_all = ["alpha", "beta"], allow_negative_numbers = true)]
    pub strength: Option<f32>,

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
        default_value_t = Job::default().beta,
        allow_negative_numbers = true
    )]
    pub beta: f32,

    /// Weight of the total variation, which smooths the picture: 0 or more
    #[arg(long, value_name = "X", default_value_t = Job::default().tv, allow_negative_numbers = true)]
    pub tv: f32,

    /// Layers of the content loss, with weights if you like: L:0.5,L
    #[arg(
        long,
        visible_alias = "content-layers",
        value_name = "L,L",
        value_delimiter = ',',
        default_value = "block5_conv2"
    )]
    pub content_layer: Vec<LayerWeight>,

    /// Layers of the style loss, with weights if you like: L:0.5,L
    #[arg(
        long,
        value_name = "L,L",
        value_delimiter = ',',
        default_value = "block1_conv1,block2_conv1,block3_conv1,block4_conv1,block5_conv1"
    )]
    pub style_layers: Vec<LayerWeight>,

    /// What the style loss compares: gram (matrices) or wasserstein (mean and covariance)
    #[arg(long, value_name = "KIND", default_value_t = StyleLoss::Gram)]
    pub style_loss: StyleLoss,

    /// How losses are normalised: balanced (no unit) or paper (Gatys et al.)
    #[arg(long, value_name = "KIND", default_value_t = Normalisation::Balanced)]
    pub loss: Normalisation,

    /// How the network halves its maps: max or avg
    #[arg(long, value_name = "KIND", default_value_t = Pooling::Max)]
    pub pool: Pooling,

    /// What lies beyond the border: zero, or replicate (the border's own pixels)
    #[arg(long, value_name = "KIND", default_value_t = Padding::Zero)]
    pub padding: Padding,

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
    /// Steps and optimizer that belong together: fast, balanced or best
    #[arg(long, value_name = "NAME", default_value_t = Preset::Balanced)]
    pub preset: Preset,

    /// Number of updates of the picture at the last scale [default: by --preset]
    #[arg(short = 'n', long, value_name = "N")]
    pub steps: Option<usize>,

    /// Number of updates at every coarser scale [default: by --preset, or as many as --steps]
    #[arg(long, value_name = "N")]
    pub steps_per_scale: Option<usize>,

    /// Number of coarse-to-fine scales; 1 is the textbook's [default: by --preset, or down to
    /// --min-size]
    #[arg(long, value_name = "N")]
    pub scales: Option<usize>,

    /// Long side of the coarsest scale, in pixels
    #[arg(long, value_name = "N", default_value_t = Job::default().min_size)]
    pub min_size: usize,

    /// Ratio of one scale's sides to the one before
    #[arg(long, value_name = "X", default_value_t = Job::default().scale_factor, allow_negative_numbers = true)]
    pub scale_factor: f64,

    /// Learning rate, above 0: with adam, the most a pixel of [0, 1] moves in one step
    #[arg(
        long,
        value_name = "X",
        default_value_t = 0.02,
        allow_negative_numbers = true
    )]
    pub lr: f32,

    /// How a gradient becomes an update: adam, lbfgs or gd (gradient descent)
    /// [default: by --preset, adam]
    #[arg(long, value_name = "METHOD")]
    pub optimizer: Option<Method>,

    /// Updates that lbfgs remembers: two pictures each
    #[arg(long, value_name = "N", default_value_t = Job::default().history)]
    pub history: usize,

    /// Decay of the moving average that is shown and saved, 0 to below 1; 0 is none
    /// [default: 0.99 for adam, else 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub average: Option<f32>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Hardware")]
pub struct Hardware {
    /// Where to compute: cpu, gpu, ndarray (slow, a check) or auto
    #[arg(long, value_name = "NAME", default_value_t = Backend::Cpu)]
    pub backend: Backend,

    /// Most memory to take, such as 4GiB [default: what is free]
    #[arg(long, value_name = "SIZE")]
    pub max_memory: Option<ByteSize>,

    /// Make the picture smaller where it would take more memory than that
    #[arg(long)]
    pub fit: bool,

    /// Number of CPU threads [default: all physical cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

impl Hardware {
    /// Number of CPU threads, with its default.
    pub fn threads(&self) -> usize {
        let given = self.threads.map(usize::from);
        given.unwrap_or_else(device::physical_cores)
    }
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_excessive_bools, reason = "they are switches")]
pub struct Output {
    /// Also save the picture every N steps, over all scales
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub save_every: Option<u32>,

    /// Where --save-every saves, %05d being the step [default: NAME-%05d beside the result]
    #[arg(long, value_name = "PATTERN", requires = "save_every")]
    pub frames: Option<PathBuf>,

    /// Also make an animated .gif of the way, of a frame every --save-every steps or of 60 frames
    #[arg(long, value_name = "FILE")]
    pub timelapse: Option<PathBuf>,

    /// Keep the whole state in this file, so that --resume can go on after a crash
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,

    /// Steps between two checkpoints
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..))]
    pub checkpoint_every: u32,

    /// Go on from this checkpoint, with the same flags; goes on keeping it too
    #[arg(long, value_name = "FILE", conflicts_with = "checkpoint")]
    pub resume: Option<PathBuf>,

    /// Bits of each sample of a PNG or TIFF [default: as the photo has]
    #[arg(long, value_name = "8|16", value_parser = super::output::depth)]
    pub depth: Option<Depth>,

    /// Paint small results with several values of a flag, such as beta=3,10,30,100, onto one
    /// contact sheet
    #[arg(long, value_name = "FLAG=X,X,X")]
    pub sweep: Option<String>,

    /// Replace the output file if it exists
    #[arg(long)]
    pub overwrite: bool,

    /// Leave out of the picture how it was made: flags, file names, digests
    #[arg(long)]
    pub no_provenance: bool,

    /// Print no progress and no notes
    #[arg(short, long)]
    pub quiet: bool,

    /// Print one JSON object per step, and one at the end, on standard output
    #[arg(long)]
    pub json: bool,
}
