mod arithmetic;
mod colour;
mod damage;
pub mod faults;
mod formats;
mod frames;
mod inputs;
mod orientation;
mod output;
mod png_colour;

use std::fs;
use std::path::{Path, PathBuf};

use super::{Depth, EncodeOptions, Limits, Picture, PictureError, decode, encode};

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A picture whose every pixel differs, with `levels` levels, exact in a file of that many.
pub fn gradient(width: usize, height: usize, levels: f32) -> Picture {
    let pixels = (0..width * height)
        .flat_map(|i| [i * 37, i * 101 + 5, i * 211 + 9])
        .map(|v| (v % levels as usize) as f32 / (levels - 1.0))
        .collect();
    Picture {
        width,
        height,
        pixels,
        alpha: None,
        depth: Depth::Eight,
        notes: Vec::new(),
    }
}

fn with_alpha(mut picture: Picture) -> Picture {
    let alpha = (0..picture.width * picture.height)
        .map(|i| (1 + i * 13 % 255) as f32 / 255.0)
        .collect();
    picture.alpha = Some(alpha);
    picture
}

pub fn write(picture: &Picture, folder: &Path, name: &str, depth: Depth) -> PathBuf {
    let path = folder.join(name);
    let options = EncodeOptions {
        depth,
        ..EncodeOptions::default()
    };
    encode(picture, &path, &options).expect("encodes");
    path
}

pub fn read(path: &Path) -> Picture {
    decode(path, &Limits::default()).expect("decodes")
}

fn refusal(path: &Path) -> PictureError {
    decode(path, &Limits::default()).expect_err("must be refused")
}

/// Largest difference between two lists of the same length.
pub fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

/// What is in a folder.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

/// A picture of one colour.
pub fn flat(width: usize, height: usize, rgb: [u8; 3]) -> Picture {
    let mut picture = gradient(width, height, 256.0);
    picture.pixels = rgb.map(|v| f32::from(v) / 255.0).repeat(width * height);
    picture
}

/// A picture of the checkout at `width` x `height`, or None with a printed reason.
pub fn sample(name: &str, width: usize, height: usize) -> Option<Picture> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("assets")
        .join(name);
    if !path.exists() {
        eprintln!(
            "skipped: {} is not here (a packaged crate has no assets)",
            path.display()
        );
        return None;
    }
    Some(read(&path).resized(width, height))
}
