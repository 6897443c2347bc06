//! EXIF orientation: applied, and applied once.

use std::io::Cursor;
use std::path::Path;

use exif::experimental::Writer;
use exif::{Field, In, Tag, Value};
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder};
use jpeg_encoder::{ColorType, Encoder};
use tiff::encoder::{TiffEncoder, colortype::RGB8};

use super::{distance, folder, read, write};
use crate::picture::{Depth, Limits, Picture, decode_bytes};

const WIDTH: u16 = 16;
const HEIGHT: u16 = 8;

/// Left half red, right half blue, and the top rows brighter.
fn upright(x: u16, y: u16) -> [u8; 3] {
    let level = if y < HEIGHT / 2 { 255 } else { 120 };
    if x < WIDTH / 2 {
        [level, 0, 0]
    } else {
        [0, 0, level]
    }
}

fn samples(pixel: impl Fn(u16, u16) -> [u8; 3], width: u16, height: u16) -> Vec<u8> {
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| pixel(x, y))
        .collect()
}

/// The stored size and pixels that orientation `n` (EXIF 2.32, tag 274) turns into the upright picture.
fn stored(n: u16) -> (u16, u16, Vec<u8>) {
    let (right, bottom) = (WIDTH - 1, HEIGHT - 1);
    // What the 0th row and 0th column of the file are, in the words of the standard, for each value.
    let pixel = move |x: u16, y: u16| match n {
        1 => upright(x, y),
        2 => upright(right - x, y),
        3 => upright(right - x, bottom - y),
        4 => upright(x, bottom - y),
        5 => upright(y, x),
        6 => upright(right - y, x),
        7 => upright(right - y, bottom - x),
        _ => upright(y, bottom - x),
    };
    let (width, height) = if n < 5 {
        (WIDTH, HEIGHT)
    } else {
        (HEIGHT, WIDTH)
    };
    (width, height, samples(pixel, width, height))
}

fn exif(orientation: u16) -> Vec<u8> {
    let field = Field {
        tag: Tag::Orientation,
        ifd_num: In::PRIMARY,
        value: Value::Short(vec![orientation]),
    };
    let mut writer = Writer::new();
    writer.push_field(&field);
    let mut block = Cursor::new(Vec::new());
    writer.write(&mut block, true).unwrap();
    block.into_inner()
}

fn through(mut encoder: impl ImageEncoder, n: u16) {
    let (width, height, pixels) = stored(n);
    encoder.set_exif_metadata(exif(n)).unwrap();
    encoder
        .write_image(
            &pixels,
            width.into(),
            height.into(),
            ExtendedColorType::Rgb8,
        )
        .unwrap();
}

fn tiff(n: u16) -> Vec<u8> {
    let (width, height, pixels) = stored(n);
    let mut bytes = Cursor::new(Vec::new());
    let mut file = TiffEncoder::new(&mut bytes).unwrap();
    let mut image = file.new_image::<RGB8>(width.into(), height.into()).unwrap();
    image
        .encoder()
        .write_tag(tiff::tags::Tag::Orientation, n)
        .unwrap();
    image.write_data(&pixels).unwrap();
    bytes.into_inner()
}

fn cmyk(n: u16) -> Vec<u8> {
    let (width, height, pixels) = stored(n);
    let inks: Vec<u8> = pixels
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|&[r, g, b]| [255 - r, 255 - g, 255 - b, 0])
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 100);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
    let block = [b"Exif\0\0", &exif(n)[..]].concat();
    encoder.add_app_segment(1, block).unwrap();
    encoder
        .encode(&inks, width, height, ColorType::Cmyk)
        .unwrap();
    bytes
}

fn files(n: u16) -> Vec<(&'static str, Vec<u8>)> {
    let (mut jpeg, mut png, mut webp) = (Vec::new(), Vec::new(), Vec::new());
    through(JpegEncoder::new_with_quality(&mut jpeg, 100), n);
    through(PngEncoder::new(&mut png), n);
    through(WebPEncoder::new_lossless(&mut webp), n);
    vec![
        ("jpeg", jpeg),
        ("png", png),
        ("webp", webp),
        ("tiff", tiff(n)),
        ("cmyk jpeg", cmyk(n)),
    ]
}

fn expected() -> Vec<f32> {
    samples(upright, WIDTH, HEIGHT)
        .iter()
        .map(|&v| f32::from(v) / 255.0)
        .collect()
}

fn assert_upright(picture: &Picture, what: &str) {
    assert_eq!(
        (picture.width, picture.height),
        (WIDTH.into(), HEIGHT.into()),
        "{what}"
    );
    assert!(distance(&picture.pixels, &expected()) < 0.04, "{what}");
}

#[test]
fn all_eight_orientations_are_turned_upright_in_every_format_that_has_them() {
    for n in 1..=8 {
        for (name, bytes) in files(n) {
            let picture = decode_bytes(Path::new(name), &bytes, &Limits::default()).unwrap();
            assert_upright(&picture, &format!("orientation {n} of a {name}"));
        }
    }
}

#[test]
fn a_turned_picture_is_not_turned_again_when_written_and_read() {
    let folder = folder();
    for (name, bytes) in files(6) {
        let picture = decode_bytes(Path::new(name), &bytes, &Limits::default()).unwrap();
        for output in ["png", "jpg", "webp", "tif"] {
            let path = write(
                &picture,
                folder.path(),
                &format!("{name}.{output}"),
                Depth::Eight,
            );
            assert_upright(&read(&path), &format!("{name} to {output}"));
        }
    }
}
