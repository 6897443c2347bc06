use std::io;
use std::path::{Path, PathBuf};

use super::OutputFormat;
use crate::files::FileError;

/// Why a picture could not be read or written. Every message names the file and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The input does not exist.
    #[error("{}: there is no such file", .path.display())]
    Missing {
        /// The file asked for.
        path: PathBuf,
    },
    /// The path is a folder, pipe, socket or device.
    #[error("{}: this is {kind}, not a picture file", .path.display())]
    NotAFile {
        /// The path given.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// The operating system refused to read the input.
    #[error("{}: cannot be read: {source}", .path.display())]
    Unreadable {
        /// The input.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The input has no bytes.
    #[error("{}: the file is empty", .path.display())]
    Empty {
        /// The input.
        path: PathBuf,
    },
    /// The content is none of the formats read.
    #[error(
        "{}: not a picture that can be read (PNG, JPEG, WebP, TIFF, BMP and GIF can); its content was looked at, not its name",
        .path.display()
    )]
    UnknownFormat {
        /// The input.
        path: PathBuf,
    },
    /// More pixels than [`super::Limits`] allows, as claimed by the header; nothing was decoded.
    #[error(
        "{}: {width} x {height} px is more than the {max_pixels} pixels allowed; raise --max-pixels if you trust the file",
        .path.display()
    )]
    TooManyPixels {
        /// The input.
        path: PathBuf,
        /// Width claimed, in pixels.
        width: u32,
        /// Height claimed, in pixels.
        height: u32,
        /// The limit, in pixels.
        max_pixels: u64,
    },
    /// Decoding would take more memory than the pixel limit allows.
    #[error(
        "{}: needs more than the {max_bytes} bytes of memory that --max-pixels allows; raise it if you trust the file",
        .path.display()
    )]
    TooMuchMemory {
        /// The input.
        path: PathBuf,
        /// The limit, in bytes.
        max_bytes: u64,
    },
    /// A known format in a variant that cannot be decoded.
    #[error("{}: this kind of {format} cannot be read ({reason}); save it as a plain 8- or 16-bit PNG", .path.display())]
    Unsupported {
        /// The input.
        path: PathBuf,
        /// Its format.
        format: &'static str,
        /// The decoder's reason.
        reason: String,
    },
    /// The file is cut or damaged beyond use.
    #[error("{}: the {format} is cut or damaged ({reason}); get a whole copy of it", .path.display())]
    Damaged {
        /// The input.
        path: PathBuf,
        /// Its format.
        format: &'static str,
        /// The decoder's reason.
        reason: String,
    },
    /// The end of a JPEG is missing, and with it more of the picture than [`super::Limits::allow_cut`] lets pass.
    #[error(
        "{}: the JPEG is cut: only {percent} % of the picture is there; get a whole copy of it, or give --allow-cut to \
         use it as it is",
        .path.display()
    )]
    Cut {
        /// The input.
        path: PathBuf,
        /// How much of the picture is there in full detail, in percent of its rows.
        percent: u8,
    },
    /// The name to write has no extension of a format written.
    #[error("{}: the output's name must end in .png, .jpg, .jpeg, .webp, .tif or .tiff", .path.display())]
    UnknownExtension {
        /// The output.
        path: PathBuf,
    },
    /// The picture has a side the format cannot express.
    #[error("{}: {width} x {height} px does not fit: {format} takes at most {max} px a side; write a PNG or TIFF", .path.display())]
    TooLargeForFormat {
        /// The output.
        path: PathBuf,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// The format of the output.
        format: OutputFormat,
        /// Its longest side, in pixels.
        max: usize,
    },
    /// The name of a film does not end in `.gif`.
    #[error("{}: a film's name must end in .gif; no other animation can be written", .path.display())]
    FilmExtension {
        /// The film.
        path: PathBuf,
    },
    /// A film has a side a GIF cannot express.
    #[error("{}: {width} x {height} px does not fit: a GIF has 1 to 65535 px a side", .path.display())]
    FilmSize {
        /// The film.
        path: PathBuf,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// A film was ended before its first frame.
    #[error("{}: the film has no frame; take more steps, or frames more often", .path.display())]
    NoFrames {
        /// The film.
        path: PathBuf,
    },
    /// A frame's name has a percent sign that is not part of a number.
    #[error("{}: write the step as %d or %05d (zeros to that many digits, at most 20), and a percent sign as %%", .path.display())]
    FramePattern {
        /// The pattern.
        path: PathBuf,
    },
    /// The samples do not match the width and height.
    #[error("a picture of {width} x {height} px cannot hold {samples} samples")]
    WrongLength {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Samples given.
        samples: usize,
    },
    /// The encoder gave up.
    #[error("{}: the {format} could not be made: {reason}", .path.display())]
    Encoding {
        /// The output.
        path: PathBuf,
        /// Its format.
        format: OutputFormat,
        /// The encoder's reason.
        reason: String,
    },
    /// The output may not or could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The output could not be written, but the picture was saved elsewhere.
    #[error("{source}; the picture was saved as {}", .saved.display())]
    Rescued {
        /// Where the picture is now: a PNG.
        saved: PathBuf,
        /// Why the output could not be written.
        source: Box<PictureError>,
    },
}

impl PictureError {
    pub(super) fn reading(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            _ => Self::Unreadable { path, source },
        }
    }
}
