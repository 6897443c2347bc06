use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nst::Picture;
use nst::picture::{EncodeOptions, encode_bytes, fit_long_side};
use serde::{Deserialize, Serialize};

/// How close the JPEG of a page comes.
const QUALITY: u8 = 88;

/// A picture on a page: a JPEG, made anew from pixels.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Image {
    pub jpeg: Vec<u8>,
    /// Width and height in pixels.
    pub size: (usize, usize),
}

impl Image {
    /// The picture, made smaller if a side is longer than `side` pixels. None where there is no JPEG of
    /// it.
    pub fn of(picture: &Picture, side: usize) -> Option<Self> {
        let (width, height) = (picture.width, picture.height);
        let smaller = (width.max(height) > side).then(|| {
            let (width, height) = fit_long_side(width, height, side);
            picture.resized(width, height)
        });
        let picture = smaller.as_ref().unwrap_or(picture);
        let options = EncodeOptions {
            quality: Some(QUALITY),
            ..EncodeOptions::default()
        };
        let jpeg = encode_bytes(picture, Path::new("picture.jpg"), &options).ok()?;
        Some(Self {
            jpeg,
            size: (picture.width, picture.height),
        })
    }

    /// The picture in the address of an `<img>`.
    pub fn address(&self) -> String {
        format!("data:image/jpeg;base64,{}", STANDARD.encode(&self.jpeg))
    }
}
