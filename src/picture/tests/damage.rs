//! Files that end too early or were changed on the way.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat};
use jpeg_encoder::{ColorType, Encoder};

use crate::picture::{Limits, Note, Picture, PictureError, decode_bytes};

fn attempt(bytes: &[u8]) -> Result<Picture, PictureError> {
    decode_bytes(
        Path::new("damaged"),
        bytes,
        &Limits {
            max_pixels: 1 << 20,
            allow_cut: true,
        },
    )
}

/// As a user's file is read unless more is asked for.
fn careful(bytes: &[u8]) -> Result<Picture, PictureError> {
    decode_bytes(Path::new("damaged"), bytes, &Limits::default())
}

fn jpeg(progressive: bool, color: ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_progressive(progressive);
    let channels = match color {
        ColorType::Luma => 1,
        ColorType::Rgb => 3,
        _ => 4,
    };
    let samples: Vec<u8> = (0..24 * 17 * channels)
        .map(|i| ((i * i / 7) % 251) as u8)
        .collect();
    encoder.encode(&samples, 24, 17, color).unwrap();
    bytes
}

#[test]
fn every_prefix_of_a_jpeg_is_an_error_or_a_warning_that_it_is_cut() {
    for whole in [
        jpeg(false, ColorType::Rgb),
        jpeg(true, ColorType::Rgb),
        jpeg(false, ColorType::Luma),
        jpeg(false, ColorType::CmykAsYcck),
        jpeg(true, ColorType::Cmyk),
    ] {
        assert!(!attempt(&whole).unwrap().notes.contains(&Note::Cut));
        let mut warned = 0;
        for length in 0..whole.len() {
            match attempt(&whole[..length]) {
                Ok(picture) => {
                    assert!(
                        picture.notes.contains(&Note::Cut),
                        "{length} of {}",
                        whole.len()
                    );
                    warned += 1;
                }
                Err(error) => assert!(error.to_string().contains("damaged")),
            }
        }
        assert!(warned > 0, "some prefix shows part of the picture");
    }
}

#[test]
fn a_marker_of_a_thumbnail_does_not_hide_that_a_jpeg_is_cut() {
    let whole = jpeg(false, ColorType::Rgb);
    // An APP1 segment with an end-of-image marker in it, as thumbnails have.
    let segment = [0xFF, 0xE1, 0x00, 0x04, 0xFF, 0xD9];
    let mut bytes = [&whole[..2], &segment[..], &whole[2..]].concat();
    assert_eq!(attempt(&bytes).unwrap().notes, []);
    bytes.truncate(bytes.len() - 2);
    assert_eq!(attempt(&bytes).unwrap().notes, [Note::Cut]);
}

fn other_formats() -> Vec<(ImageFormat, Vec<u8>)> {
    let samples: Vec<u8> = (0..13 * 9 * 4).map(|i| ((i * i / 7) % 251) as u8).collect();
    let rgba = image::RgbaImage::from_raw(13, 9, samples).unwrap();
    let rgba = DynamicImage::ImageRgba8(rgba);
    let rgb = DynamicImage::ImageRgb8(rgba.to_rgb8());
    let mut files = Vec::new();
    for format in [
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Tiff,
        ImageFormat::Gif,
        ImageFormat::Bmp,
    ] {
        for image in [&rgb, &rgba] {
            let mut bytes = Cursor::new(Vec::new());
            image.write_to(&mut bytes, format).unwrap();
            files.push((format, bytes.into_inner()));
        }
    }
    files
}

#[test]
fn every_prefix_of_any_other_format_is_an_error_or_the_whole_picture() {
    for (name, whole) in other_formats() {
        let picture = attempt(&whole).unwrap();
        for length in 0..whole.len() {
            if let Ok(part) = attempt(&whole[..length]) {
                assert_eq!(
                    part.pixels,
                    picture.pixels,
                    "{name:?}: {length} of {}",
                    whole.len()
                );
            }
        }
    }
}

#[test]
fn a_changed_byte_anywhere_is_an_error_or_a_picture() {
    let mut files = other_formats();
    files.push((ImageFormat::Jpeg, jpeg(false, ColorType::Rgb)));
    files.push((ImageFormat::Jpeg, jpeg(true, ColorType::Rgb)));
    let mut pictures = 0;
    for (name, whole) in files {
        for at in 0..whole.len() {
            for change in [0x01, 0x80, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] ^= change;
                if let Ok(picture) = attempt(&bytes) {
                    assert_eq!(
                        picture.pixels.len(),
                        3 * picture.width * picture.height,
                        "{name:?} {at}"
                    );
                    pictures += 1;
                }
            }
        }
    }
    assert!(pictures > 0);
}

/// A photo-like JPEG, large enough that its first kilobyte is next to nothing.
fn large_jpeg(progressive: bool) -> Vec<u8> {
    let samples: Vec<u8> = (0..640_usize * 480)
        .flat_map(|i| [i % 640 / 3, i / 640 / 2, (i * i / 977) % 256].map(|v| v as u8))
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_progressive(progressive);
    encoder.encode(&samples, 640, 480, ColorType::Rgb).unwrap();
    bytes
}

#[test]
fn a_jpeg_of_which_much_is_missing_is_refused_unless_asked_for() {
    for progressive in [false, true] {
        let whole = large_jpeg(progressive);
        for length in [1000, whole.len() / 2, whole.len() * 4 / 5] {
            let error = careful(&whole[..length]).unwrap_err();
            let PictureError::Cut { percent, .. } = error else {
                panic!("{length}: {error}")
            };
            assert!(
                usize::from(percent) <= 100 * length / whole.len() + 2,
                "{length}: {percent} %"
            );
            let message = error.to_string();
            for part in [
                "damaged",
                "cut",
                &format!("only {percent} %"),
                "--allow-cut",
            ] {
                assert!(message.contains(part), "{message}");
            }
            assert_eq!(attempt(&whole[..length]).unwrap().notes, [Note::Cut]);
        }
    }
}

#[test]
fn a_jpeg_that_lost_its_last_rows_is_read_with_a_note() {
    let whole = large_jpeg(false);
    for missing in [1, 2, 50, whole.len() / 30] {
        let picture = careful(&whole[..whole.len() - missing]).unwrap();
        assert_eq!(picture.notes, [Note::Cut], "{missing} bytes missing");
        assert_eq!((picture.width, picture.height), (640, 480));
    }
}
