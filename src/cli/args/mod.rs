//! What a command line may say: clap's structures and nothing else.

mod batch;
mod bench;
mod choice;
mod hardware;
mod manual;
mod optimisation;
mod output;
mod part;
mod pictures;
mod replay;
mod role;
mod shard;
mod size;
#[cfg(feature = "studio")]
mod studio;
mod style;
mod weights;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Arg, Args, Parser, Subcommand};
use nst::device::Slot;

pub use batch::BatchArgs;
pub use bench::BenchArgs;
pub use hardware::Hardware;
pub use manual::{CompletionsArgs, ManArgs};
pub use optimisation::Optimisation;
pub use output::OutputArgs;
pub use part::Part;
pub use pictures::Pictures;
pub use replay::ReplayArgs;
pub use role::Role;
pub use shard::Shard;
pub use size::ResultSize;
#[cfg(feature = "studio")]
pub use studio::StudioArgs;
pub use style::Style;
pub use weights::{WeightsArgs, WeightsCommand};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  nst photo.jpg painting.jpg out.png
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
    Batch(BatchArgs),
    /// Print the command that made a picture, and make it again
    Replay(ReplayArgs),
    /// Open a page to paint on, in a browser on this machine
    #[cfg(feature = "studio")]
    Studio(StudioArgs),
    /// Print scales, layers, memory and time of a transfer without running it
    Plan(Box<Transfer>),
    /// Print what this machine will use: CPU, GPU, weights, memory, and the time of a picture
    #[command(visible_alias = "devices")]
    Doctor,
    /// Fetch, import, list and check the networks' weights
    Weights(WeightsArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
    /// Measure one step on the CPU, phase by phase, against the machine's peak
    Bench(BenchArgs),
    /// Start the GPU and print it, for a parent that survives a crashing driver
    #[command(hide = true)]
    ProbeGpu {
        /// Which one
        slot: Slot,
    },
    /// Paint the jobs that a parent sends, on one GPU
    #[command(hide = true)]
    BatchWorker {
        /// Which one
        slot: Slot,
    },
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
    pub output: OutputArgs,
}

impl Transfer {
    /// The same transfer, with all pictures under their flags.
    #[must_use]
    pub fn flagged(self) -> Self {
        Self {
            pictures: self.pictures.flagged(),
            ..self
        }
    }
}

/// The long name of an argument's flag, also of one that may stand without its flag.
pub fn flag_of(arg: &Arg) -> Option<&str> {
    let unnamed = || {
        let mut all = Pictures::UNNAMED.into_iter();
        all.find(|(id, _)| arg.get_id() == id).map(|(_, flag)| flag)
    };
    arg.get_long().or_else(unnamed)
}
