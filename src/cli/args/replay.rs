use std::path::PathBuf;

use clap::Args;

/// Print the command that made a picture, and make it again.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// A picture painted by nst
    #[arg(value_name = "PICTURE")]
    pub picture: PathBuf,

    /// Make the picture again, if everything it was made of is as it was
    #[arg(long)]
    pub run: bool,

    /// Where it goes then [default: where it is]
    #[arg(short, long, value_name = "FILE", requires = "run")]
    pub output: Option<PathBuf>,

    /// Replace that file if it exists
    #[arg(long, requires = "run")]
    pub overwrite: bool,

    /// Print no progress and no notes
    #[arg(short, long)]
    pub quiet: bool,
}
