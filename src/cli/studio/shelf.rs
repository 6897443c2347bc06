//! The pictures that the page may name: what was dropped on it, and what was painted. Each has an id
//! made here; no path comes from the page.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nst::files::{FileError, Pending};
use nst::picture::{self, Limits};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::cli::reports::Image;

/// The folder for what is dropped on the page.
pub const FOLDER: &str = "nst-inputs";
/// Most pixels of a picture.
const LIMITS: Limits = Limits {
    max_pixels: 100_000_000,
    allow_cut: false,
};
/// Longest side of a thumbnail, in pixels.
const THUMBNAIL: usize = 360;

/// The pictures by id.
#[derive(Default)]
pub struct Shelf(HashMap<String, PathBuf>);

/// A picture that the page has dropped.
#[derive(Debug, Serialize)]
pub struct Dropped {
    pub id: String,
    pub name: String,
    pub width: usize,
    pub height: usize,
}

impl Shelf {
    /// The file of an id.
    ///
    /// # Errors
    ///
    /// An id that is none.
    pub fn path(&self, id: &str) -> anyhow::Result<&Path> {
        let path = self.0.get(id);
        path.map(PathBuf::as_path)
            .ok_or_else(|| anyhow::anyhow!("this picture is not here: drop it again"))
    }

    /// The id of a file, which it gets here if it has none.
    pub fn put(&mut self, path: &Path) -> String {
        let id = id(path);
        self.0.insert(id.clone(), path.to_owned());
        id
    }
}

/// The same for the same path, and for nobody a path.
fn id(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let start = digest.iter().take(8);
    format!(
        "{:016x}",
        start.fold(0_u64, |id, &byte| id << 8 | u64::from(byte))
    )
}

/// Looks at what was dropped, and keeps the file as it is if it is a picture.
///
/// # Errors
///
/// Bytes that are no picture, or one that is too large; a folder that cannot be written.
pub fn keep(name: &str, bytes: &[u8]) -> anyhow::Result<(PathBuf, (usize, usize))> {
    let shown = Path::new(name).file_name().unwrap_or_default().to_owned();
    let picture = picture::decode_bytes(Path::new(&shown), bytes, &LIMITS)?;
    let path = write(&stem(name), extension(bytes), bytes)?;
    Ok((path, (picture.width, picture.height)))
}

/// Writes a file under a name that is free, unless the same one is there.
fn write(stem: &str, extension: &str, bytes: &[u8]) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(FOLDER).with_context(|| format!("{FOLDER}: the folder cannot be made"))?;
    for n in 1.. {
        let name = match n {
            1 => format!("{stem}.{extension}"),
            n => format!("{stem}-{n}.{extension}"),
        };
        let path = Path::new(FOLDER).join(name);
        match store(&path, bytes) {
            Err(FileError::Exists { .. }) if holds(&path, bytes) => return Ok(path),
            Err(FileError::Exists { .. }) => {}
            other => return Ok(other.map(|()| path)?),
        }
    }
    anyhow::bail!("{FOLDER}: no name is free")
}

fn store(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if path.symlink_metadata().is_ok() {
        return Err(FileError::Exists {
            path: path.to_owned(),
        });
    }
    let pending = Pending::beside(path)?;
    std::io::Write::write_all(&mut pending.file(), bytes).map_err(|source| {
        FileError::NotWritten {
            path: path.to_owned(),
            source,
        }
    })?;
    pending.install(false)
}

fn holds(path: &Path, bytes: &[u8]) -> bool {
    let same_length =
        fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() == bytes.len() as u64);
    same_length && fs::read(path).is_ok_and(|there| there == bytes)
}

/// A name for the file, made of the one it had elsewhere: letters, digits, `-` and `_`.
fn stem(name: &str) -> String {
    let stem = Path::new(name)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let plain = |c: char| {
        if c.is_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        }
    };
    let stem: String = stem.chars().map(plain).take(60).collect();
    match stem.trim_matches('-') {
        "" => "picture".to_owned(),
        stem => stem.to_owned(),
    }
}

/// The extension of what the bytes are; they have been decoded.
fn extension(bytes: &[u8]) -> &'static str {
    match image::guess_format(bytes) {
        Ok(image::ImageFormat::Jpeg) => "jpg",
        Ok(image::ImageFormat::WebP) => "webp",
        Ok(image::ImageFormat::Tiff) => "tif",
        Ok(image::ImageFormat::Bmp) => "bmp",
        Ok(image::ImageFormat::Gif) => "gif",
        _ => "png",
    }
}

/// How large a picture is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Thumbnail,
    /// Every pixel, up to what a browser takes.
    Whole,
}

/// A file's picture, made anew from its pixels.
///
/// # Errors
///
/// If it is no picture any more.
pub fn view(path: &Path, view: View) -> anyhow::Result<Image> {
    let picture = picture::decode(path, &LIMITS)?;
    let side = match view {
        View::Thumbnail => THUMBNAIL,
        View::Whole => 8192,
    };
    Image::of(&picture, side).with_context(|| format!("{}: no JPEG of it", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_become_plain_ones() {
        for (name, plain) in [
            ("harbour.jpg", "harbour"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\x y.png", "C--Users-me-x-y"),
            ("-rf.png", "rf"),
            ("a:2.jpg", "a-2"),
            (".png", "png"),
            ("", "picture"),
            ("\u{1b}[2J.png", "2J"),
            ("Müller 日本.png", "Müller-日本"),
        ] {
            assert_eq!(stem(name), plain, "{name}");
        }
        assert_eq!(stem(&"ä".repeat(300)).chars().count(), 60);
    }

    #[test]
    fn an_id_is_known_only_of_what_was_put() {
        let mut shelf = Shelf::default();
        let id = shelf.put(Path::new("a.png"));
        assert_eq!(shelf.path(&id).unwrap(), Path::new("a.png"));
        assert_eq!(shelf.put(Path::new("a.png")), id);
        for other in ["a.png", "../a.png", "", "0000000000000000"] {
            assert!(shelf.path(other).is_err(), "{other}");
        }
    }
}
