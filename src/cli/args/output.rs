use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use nst::picture::Depth;

use super::Part;
use super::role::{Role, Roles};

#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_excessive_bools, reason = "they are switches")]
pub struct OutputArgs {
    /// Also save the picture every N steps, over all scales; a frame that cannot be written is lost,
    /// not the run, whose exit code is 1 then
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub save_every: Option<u32>,

    /// Where --save-every saves, %05d being the step [default: NAME-%05d beside the result]
    #[arg(long, value_name = "PATTERN", requires = "save_every")]
    pub frames: Option<PathBuf>,

    /// Also make an animated .gif of the way, of a frame every --save-every steps or of 60 frames;
    /// a run that goes on films the rest, as FILE-00120.gif where FILE.gif is there
    #[arg(long, value_name = "FILE")]
    pub timelapse: Option<PathBuf>,

    /// Keep the whole state in this file, and go on from it if it is there: after a crash, give
    /// the same command again
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,

    /// Steps between two checkpoints
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..))]
    pub checkpoint_every: u32,

    /// As --checkpoint, but the file must be there
    #[arg(long, value_name = "FILE", conflicts_with = "checkpoint")]
    pub resume: Option<PathBuf>,

    /// Format of a result whose name does not say it: of the default name, of the results of a
    /// folder, and of standard output [default: png]
    #[arg(long, value_name = "EXT", value_parser = ["png", "jpg", "webp", "tif"])]
    pub ext: Option<String>,

    /// Bits of each sample of a PNG or TIFF [default: as the photo has]
    #[arg(long, value_name = "8|16", value_parser = PossibleValuesParser::new(["8", "16"]).map(|bits| depth(&bits)))]
    pub depth: Option<Depth>,

    /// How close a JPEG or a lossy WebP comes, 1 (the smallest file) to 100
    /// [default: 95 for JPEG, WebP without any loss]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub quality: Option<u8>,

    /// Paint small results with several values of a flag, such as beta=3,10,30,100, onto one
    /// contact sheet
    #[arg(long, value_name = "FLAG=X,X,X")]
    pub sweep: Option<String>,

    /// Also write a page that tells of the run: the pictures, the losses as they fell, settings, sizes
    /// and seconds, in one .html that any browser opens
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Replace outputs that exist, and start afresh with --checkpoint; without it, only what this
    /// very run left when it was interrupted is replaced
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

    /// Of what the transfer is a part; no flag.
    #[arg(skip)]
    pub part: Option<Part>,
}

impl OutputArgs {
    /// What each flag does.
    pub(super) const ROLES: Roles = &[
        (Role::Picture, &["depth", "quality", "sweep"]),
        (Role::Output, &["ext", "report"]),
        (Role::Run, &["overwrite", "no-provenance", "quiet", "json"]),
        (
            Role::Beside,
            &[
                "save-every",
                "frames",
                "timelapse",
                "checkpoint",
                "checkpoint-every",
                "resume",
            ],
        ),
    ];
}

/// The depth of that many bits.
fn depth(bits: &str) -> Depth {
    if bits == "16" {
        Depth::Sixteen
    } else {
        Depth::Eight
    }
}
