//! A picture that cannot be written where it should is saved elsewhere.

use std::env;
use std::path::{Path, PathBuf};

use super::{EncodeOptions, encode};
use crate::files::FileError;
use crate::picture::{Picture, PictureError};

/// Writes a picture as [`encode`] does; if that fails, saves it as a PNG in the first of the temporary, home, working
/// and the output's own folder that takes it.
///
/// Its name is made of the output's, shortened to 100 bytes.
///
/// # Errors
/// [`PictureError::Rescued`] with the place it was saved and the reason, or the reason itself if no folder took it.
pub fn encode_or_rescue(
    picture: &Picture,
    path: &Path,
    options: &EncodeOptions,
) -> Result<(), PictureError> {
    let folders = [
        Some(env::temp_dir()),
        env::home_dir(),
        env::current_dir().ok(),
        path.parent().map(Path::to_owned),
    ];
    let folders: Vec<_> = folders.into_iter().flatten().collect();
    encode_or_rescue_in(&folders, picture, path, options)
}

fn encode_or_rescue_in(
    folders: &[PathBuf],
    picture: &Picture,
    path: &Path,
    options: &EncodeOptions,
) -> Result<(), PictureError> {
    encode(picture, path, options).map_err(|failure| {
        let name = short_stem(path);
        // What cannot be written may be the provenance, and the picture is worth more.
        let bare = EncodeOptions {
            provenance: None,
            ..options.clone()
        };
        let saved = [options, &bare].into_iter().find_map(|options| {
            let save = |folder: &PathBuf| rescue(picture, &name, folder, options);
            folders.iter().find_map(save)
        });
        match saved {
            Some(saved) => PictureError::Rescued {
                saved,
                source: Box::new(failure),
            },
            None => failure,
        }
    })
}

/// The output's name without its extension, short enough for any file system: most take 255 bytes, those that encrypt
/// names 143, and more is to follow.
fn short_stem(path: &Path) -> String {
    const LONGEST: usize = 100;
    let mut stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    stem.truncate(stem.floor_char_boundary(LONGEST));
    stem
}

/// Saves a PNG under a free name; none if this folder does not take it.
fn rescue(
    picture: &Picture,
    name: &str,
    folder: &Path,
    options: &EncodeOptions,
) -> Option<PathBuf> {
    const ATTEMPTS: u32 = 1000;
    let options = EncodeOptions {
        overwrite: false,
        ..options.clone()
    };
    for attempt in 1..=ATTEMPTS {
        let saved = folder.join(format!("{name}-rescued-{attempt}.png"));
        if saved.symlink_metadata().is_ok() {
            continue;
        }
        match encode(picture, &saved, &options) {
            Ok(()) => return Some(saved),
            Err(PictureError::File(FileError::Exists { .. })) => (),
            Err(_) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests;
