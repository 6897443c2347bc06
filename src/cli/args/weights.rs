use std::path::PathBuf;

use clap::{Args, Subcommand};
use nst::vgg::Model;
use nst::weights::Publisher;

use super::choice::choice;

/// Fetch, import, list and check the networks' weights.
#[derive(Debug, Args)]
pub struct WeightsArgs {
    #[command(subcommand)]
    pub command: WeightsCommand,
}

#[derive(Debug, Subcommand)]
pub enum WeightsCommand {
    /// Fetch ImageNet's weights, verify them and keep them in the cache folder
    Fetch {
        /// The network
        #[arg(default_value_t = Model::Vgg19, value_parser = choice::<Model>())]
        model: Model,
        /// Who publishes it: keras has the original Oxford networks (best pictures, 80 and 59 MB)
        #[arg(long, default_value_t, value_parser = choice::<Publisher>())]
        source: Publisher,
        /// Take the same file from here instead
        #[arg(long, value_name = "URL|FILE")]
        from: Option<String>,
        /// Use no network (also `NST_OFFLINE=1`)
        #[arg(long)]
        offline: bool,
    },
    /// Turn Keras' .h5, PyTorch's .pth or safetensors into nst's own file
    Import {
        /// The file to read
        file: PathBuf,
        /// The file to write [default: the network's place in the cache folder]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Write F16: half the size, kernels to three digits
        #[arg(long)]
        half: bool,
        /// The network, where the file itself does not tell
        #[arg(long, value_parser = choice::<Model>())]
        model: Option<Model>,
    },
    /// List the weights on this machine: file, size, source, digest
    List,
    /// Check every tensor of a file: name, type, shape, range
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print the cache folder, or the file a run would use
    Path {
        /// The network
        #[arg(value_parser = choice::<Model>())]
        model: Option<Model>,
    },
}
