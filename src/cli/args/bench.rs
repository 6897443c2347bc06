use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use nst::device::Backend;
use nst::vgg::Model;

use super::choice::choice;

#[derive(Args, Debug)]
pub struct BenchArgs {
    /// Side of the square picture, in pixels
    #[arg(long, value_name = "N", default_value_t = 512,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(16..=8192))]
    pub size: usize,

    /// Network; its weights are noise, which take as long as trained ones
    #[arg(long, value_name = "NAME", default_value_t = Model::Vgg19, value_parser = choice::<Model>())]
    pub model: Model,

    /// Where to compute: on the CPU, or on the graphics card, whose gradient is then compared with the
    /// CPU's
    #[arg(long, value_name = "NAME", default_value = "cpu",
          value_parser = PossibleValuesParser::new(["cpu", "gpu"]).try_map(|name| name.parse::<Backend>()))]
    pub backend: Backend,

    /// Which graphics card, by its number or a part of its name in `nst devices` [default: the fastest]
    #[arg(long, value_name = "N|NAME")]
    pub device: Option<String>,

    /// Number of steps to average over, after one that is not counted
    #[arg(short = 'n', long, value_name = "N", default_value_t = 7,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub steps: u16,

    /// Number of CPU threads [default: the physical cores that this process may use]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
