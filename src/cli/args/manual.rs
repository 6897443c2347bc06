use std::path::PathBuf;

use clap_complete::Shell;

#[derive(clap::Args, Debug)]
pub struct CompletionsArgs {
    /// The shell the script is for
    pub shell: Shell,
}

#[derive(clap::Args, Debug)]
pub struct ManArgs {
    /// Write the pages of all subcommands to this folder instead, as nst.1, nst-weights.1 and so on
    pub folder: Option<PathBuf>,
}
