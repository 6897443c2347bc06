use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  nst studio --open
  nst studio ~/Pictures/painted

The page is for whoever opens the printed address, on this machine alone. Pictures go to the folder,
each under a name that is free; what is dropped on the page is kept beside them, in nst-inputs. Jobs
go on when the page is closed. Ctrl-C saves the picture in hand and ends; twice, at once.";

/// Open a page to paint on, in a browser on this machine.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct StudioArgs {
    /// Where pictures go, and what names on the command lines it shows count from
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,

    /// Open the address in the browser
    #[arg(long)]
    pub open: bool,

    /// Port to listen on [default: one that is free]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub port: u16,

    /// Address to listen on. Any other than this lets other machines in that know the printed address,
    /// and nothing that they send or see is encrypted
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// Number of CPU threads [default: the physical cores that this process may use]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}
