//! Files with more than one picture: the first is taken, and that is said.

use std::io::Cursor;
use std::path::Path;

use image::codecs::gif::GifEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, Frame, RgbaImage};
use tiff::encoder::{TiffEncoder, colortype::RGB8};

use super::distance;
use crate::picture::{Limits, Note, decode_bytes};

const FIRST: [u8; 3] = [200, 40, 40];
const SECOND: [u8; 3] = [10, 20, 220];
const SIDE: u32 = 4;

fn flat(rgb: [u8; 3]) -> Vec<u8> {
    rgb.repeat((SIDE * SIDE) as usize)
}

fn gif(frames: &[[u8; 3]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for [r, g, b] in frames {
        let image = RgbaImage::from_pixel(SIDE, SIDE, image::Rgba([*r, *g, *b, 255]));
        encoder.encode_frame(Frame::new(image)).unwrap();
    }
    drop(encoder);
    bytes
}

fn apng() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(2, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&flat(FIRST)).unwrap();
    writer.write_image_data(&flat(SECOND)).unwrap();
    writer.finish().unwrap();
    bytes
}

fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let size = (content.len() as u32).to_le_bytes();
    let mut chunk = [&kind[..], &size, content].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

/// An animated WebP (RFC 9649), put together from still ones; `extra` goes in front of the frames.
fn webp(extra: &[u8]) -> Vec<u8> {
    let size = [SIDE as u8 - 1, 0, 0, SIDE as u8 - 1, 0, 0];
    let frame = |rgb| {
        let mut still = Vec::new();
        WebPEncoder::new_lossless(&mut still)
            .encode(&flat(rgb), SIDE, SIDE, ExtendedColorType::Rgb8)
            .unwrap();
        let placed = [&[0; 6][..], &size, &[100, 0, 0, 0], &still[12..]].concat();
        chunk(*b"ANMF", &placed)
    };
    let body = [
        b"WEBP".to_vec(),
        chunk(*b"VP8X", &[&[0b10, 0, 0, 0][..], &size].concat()),
        chunk(*b"ANIM", &[0; 6]),
        extra.to_vec(),
        frame(FIRST),
        frame(SECOND),
    ]
    .concat();
    chunk(*b"RIFF", &body)
}

fn tiff() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut file = TiffEncoder::new(&mut bytes).unwrap();
    file.write_image::<RGB8>(SIDE, SIDE, &flat(FIRST)).unwrap();
    file.write_image::<RGB8>(SIDE, SIDE, &flat(SECOND)).unwrap();
    bytes.into_inner()
}

#[test]
fn of_several_pictures_the_first_is_taken_and_that_is_noted() {
    for (name, bytes, note) in [
        ("gif", gif(&[FIRST, SECOND]), Note::Animated),
        ("apng", apng(), Note::Animated),
        ("webp", webp(&[]), Note::Animated),
        ("tiff", tiff(), Note::SeveralPages),
    ] {
        let picture = decode_bytes(Path::new(name), &bytes, &Limits::default()).unwrap();
        let first = flat(FIRST)
            .iter()
            .map(|&v| f32::from(v) / 255.0)
            .collect::<Vec<_>>();
        assert!(distance(&picture.pixels, &first) < 0.03, "{name}");
        assert_eq!(picture.notes, [note], "{name}");
    }
}

#[test]
fn a_gif_of_one_frame_is_no_animation() {
    let picture = decode_bytes(Path::new("gif"), &gif(&[FIRST]), &Limits::default()).unwrap();
    assert_eq!(picture.notes, []);
}

#[test]
fn a_webp_whose_metadata_claims_more_than_the_file_has_is_refused() {
    let mut greedy = chunk(*b"ICCP", &[]);
    greedy[4..8].copy_from_slice(&0xFFFF_FFF0_u32.to_le_bytes());
    let bytes = webp(&greedy);
    let error = decode_bytes(Path::new("greedy"), &bytes, &Limits::default()).unwrap_err();
    assert!(
        error.to_string().contains("metadata claims more bytes"),
        "{error}"
    );
}

#[test]
fn a_webp_whose_frame_is_larger_than_its_canvas_is_refused_before_it_is_decoded() {
    let frame = chunk(*b"VP8 ", b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f\0\0");
    let header = chunk(*b"VP8X", &[0; 10]);
    let bytes = chunk(*b"RIFF", &[b"WEBP", &header[..], &frame].concat());
    let limits = Limits {
        max_pixels: 1000,
        ..Limits::default()
    };
    let error = decode_bytes(Path::new("outsized"), &bytes, &limits).unwrap_err();
    assert!(error.to_string().contains("16383 x 16383"), "{error}");
}
