//! Writing a picture so that the target is, at every moment, either what it was or the whole new file.

mod formats;

use std::env;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::output::{folder, target};
use super::{Depth, OutputFormat, Picture, PictureError, claim};

/// How a picture is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Bits of each sample; JPEG and WebP always have 8. Default: 8.
    pub depth: Depth,
    /// JPEG quality, 1 to 100; other formats are lossless. Default: 95.
    pub quality: u8,
    /// How the picture was made, for [`super::provenance()`] to read back: text without NUL, for a JPEG at most 65000
    /// bytes. Default: none.
    pub provenance: Option<String>,
    /// Whether a file that exists may be replaced. Default: no.
    pub overwrite: bool,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self {
            depth: Depth::Eight,
            quality: 95,
            provenance: None,
            overwrite: false,
        }
    }
}

/// Writes a picture as PNG, JPEG, WebP or TIFF, by the extension of `path`, tagged as sRGB.
///
/// The bytes go to a temporary file in the same folder, are flushed to the disk, and are renamed over `path`.
///
/// # Errors
/// Whatever the reason, what was at `path` is untouched and no temporary file is left.
pub fn encode(picture: &Picture, path: &Path, options: &EncodeOptions) -> Result<(), PictureError> {
    let format = OutputFormat::from_path(path)?;
    format.check_size(path, picture.width, picture.height)?;
    picture.check()?;
    let target = target(path);
    let not_written = |source| PictureError::NotWritten {
        path: path.to_owned(),
        source,
    };
    let mut temporary = temporary_beside(&target).map_err(not_written)?;
    let mut writer = BufWriter::new(temporary.as_file_mut());
    formats::write(&mut writer, format, picture, options).map_err(|e| match e {
        formats::Failure::Io(source) => not_written(source),
        formats::Failure::Encoder(reason) => PictureError::Encoding {
            path: path.to_owned(),
            format,
            reason,
        },
    })?;
    writer.flush().map_err(not_written)?;
    drop(writer);
    temporary.as_file().sync_all().map_err(not_written)?;
    replace(temporary, &target, options.overwrite).map_err(|e| {
        if e.kind() == io::ErrorKind::AlreadyExists {
            PictureError::Exists {
                path: path.to_owned(),
            }
        } else {
            not_written(e)
        }
    })
}

/// Writes a picture as [`encode`] does; if that fails, saves it as a PNG in the first of the temporary, home and
/// working folders that takes it.
///
/// # Errors
/// [`PictureError::Rescued`] with the place it was saved and the reason, or the reason itself if no folder took it.
pub fn encode_or_rescue(
    picture: &Picture,
    path: &Path,
    options: &EncodeOptions,
) -> Result<(), PictureError> {
    encode(picture, path, options).map_err(|failure| {
        let folders = [
            Some(env::temp_dir()),
            env::home_dir(),
            env::current_dir().ok(),
        ];
        match folders
            .into_iter()
            .flatten()
            .find_map(|folder| rescue(picture, path, &folder, options))
        {
            Some(saved) => PictureError::Rescued {
                saved,
                source: Box::new(failure),
            },
            None => failure,
        }
    })
}

/// Saves a PNG under a free name made from that of `path`; none if this folder does not take it.
fn rescue(
    picture: &Picture,
    path: &Path,
    folder: &Path,
    options: &EncodeOptions,
) -> Option<PathBuf> {
    const ATTEMPTS: u32 = 1000;
    let stem = path.file_stem()?.to_string_lossy();
    let options = EncodeOptions {
        overwrite: false,
        ..options.clone()
    };
    for attempt in 1..=ATTEMPTS {
        let saved = folder.join(format!("{stem}-rescued-{attempt}.png"));
        if saved.symlink_metadata().is_ok() {
            continue;
        }
        match encode(picture, &saved, &options) {
            Ok(()) => return Some(saved),
            Err(PictureError::Exists { .. }) => (),
            Err(_) => return None,
        }
    }
    None
}

fn temporary_beside(target: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    let prefix = claim::prefix(target);
    builder.prefix(&prefix).suffix(claim::PART);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any program makes a new file (less the umask), not private as a temporary file is.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let temporary = claim::temporary(target, &mut builder)?;
    if let Ok(metadata) = fs::metadata(target) {
        temporary
            .as_file()
            .set_permissions(metadata.permissions())?;
    }
    Ok(temporary)
}

/// Renames the temporary file over the target; on failure it is removed.
fn replace(temporary: NamedTempFile, target: &Path, overwrite: bool) -> io::Result<()> {
    let renamed = if overwrite {
        temporary.persist(target)
    } else {
        temporary.persist_noclobber(target)
    };
    renamed.map_err(|e| e.error)?;
    // The file is whole and in place. Flushing the folder makes the new name survive a power cut; not every file
    // system can, and that is no failure of the write.
    #[cfg(unix)]
    let _ = File::open(folder(target)).and_then(|folder| folder.sync_all());
    Ok(())
}
