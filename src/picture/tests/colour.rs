//! Profiles, inks, bit depth and transparency of what is read.

use std::collections::HashSet;
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use moxcms::{ColorProfile, DataColorSpace};
use tiff::encoder::{TiffEncoder, colortype};
use tiff::tags::{ExtraSamples, Tag};

use super::{distance, folder, read, write};
use crate::picture::{Depth, Limits, Note, Picture, decode_bytes};

fn open(bytes: &[u8]) -> Picture {
    decode_bytes(Path::new("test"), bytes, &Limits::default()).expect("decodes")
}

fn png(
    size: (u32, u32),
    samples: &[u8],
    color: ExtendedColorType,
    icc: Option<Vec<u8>>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    if let Some(icc) = icc {
        encoder.set_icc_profile(icc).unwrap();
    }
    encoder.write_image(samples, size.0, size.1, color).unwrap();
    bytes
}

/// IEC 61966-2-1.
fn to_linear(v: f32) -> f32 {
    if v <= 0.040_45 {
        v / 12.92
    } else {
        ((v + 0.055) / 1.055).powf(2.4)
    }
}

/// IEC 61966-2-1.
fn from_linear(v: f32) -> f32 {
    if v <= 0.003_130_8 {
        v * 12.92
    } else {
        1.055 * v.powf(1.0 / 2.4) - 0.055
    }
}

#[test]
fn a_wide_gamut_profile_is_converted_to_srgb() {
    let samples = [150, 90, 80, 100, 150, 110, 100, 100, 200, 128, 128, 128];
    let icc = ColorProfile::new_display_p3().encode().unwrap();
    let picture = open(&png((4, 1), &samples, ExtendedColorType::Rgb8, Some(icc)));
    // Linear Display P3 to linear sRGB, both D65: the primaries' matrices of SMPTE EG 432-1 and IEC 61966-2-1.
    let matrix = [
        [1.224_94, -0.224_94, 0.0],
        [-0.042_06, 1.042_06, 0.0],
        [-0.019_64, -0.078_64, 1.098_27],
    ];
    let expected: Vec<f32> = samples
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|rgb| {
            let linear = rgb.map(|v| to_linear(f32::from(v) / 255.0));
            matrix
                .map(|row: [f32; 3]| from_linear(row.iter().zip(linear).map(|(m, v)| m * v).sum()))
        })
        .collect();
    assert!(
        distance(&picture.pixels, &expected) < 2e-3,
        "{:?} {expected:?}",
        picture.pixels
    );
    assert!(matches!(&picture.notes[..], [Note::ProfileConverted(name)] if !name.is_empty()));
}

#[test]
fn a_grey_profile_is_converted_to_srgb() {
    let icc = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let picture = open(&png(
        (3, 1),
        &[0, 55, 255],
        ExtendedColorType::L8,
        Some(icc),
    ));
    let middle = from_linear(55.0 / 255.0);
    let expected = [[0.0; 3], [middle; 3], [1.0; 3]].concat();
    assert!(
        distance(&picture.pixels, &expected) < 2e-3,
        "{:?}",
        picture.pixels
    );
}

#[test]
fn an_srgb_profile_changes_nothing_at_all() {
    let samples: Vec<u8> = (0..=255).flat_map(|v| [v, 255 - v, v / 2]).collect();
    let icc = ColorProfile::new_srgb().encode().unwrap();
    let tagged = open(&png((16, 16), &samples, ExtendedColorType::Rgb8, Some(icc)));
    let plain = open(&png((16, 16), &samples, ExtendedColorType::Rgb8, None));
    assert_eq!(tagged, plain);
}

#[test]
fn a_profile_that_cannot_be_used_costs_nothing_but_a_note() {
    let grey = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
    for icc in [b"no profile at all".to_vec(), grey] {
        let picture = open(&png(
            (1, 1),
            &[10, 20, 30],
            ExtendedColorType::Rgb8,
            Some(icc),
        ));
        assert!(distance(&picture.pixels, &[10.0 / 255.0, 20.0 / 255.0, 30.0 / 255.0]) < 1e-6);
        assert!(
            matches!(&picture.notes[..], [Note::ProfileIgnored(_)]),
            "{:?}",
            picture.notes
        );
    }
}

/// Inks in steps the JPEG transform blurs little: blocks of 8 x 8 px of one colour.
const INKS: [[u8; 4]; 4] = [
    [255, 0, 0, 0],
    [0, 200, 40, 60],
    [10, 20, 230, 0],
    [30, 30, 30, 180],
];

fn ink_jpeg(color: ColorType, icc: Option<&[u8]>) -> Vec<u8> {
    let samples: Vec<u8> = (0..32 * 8).flat_map(|i| INKS[i % 32 / 8]).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 100);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    if let Some(icc) = icc {
        encoder.add_icc_profile(icc).unwrap();
    }
    encoder.encode(&samples, 32, 8, color).unwrap();
    bytes
}

fn blocks(picture: &Picture) -> Vec<f32> {
    assert_eq!((picture.width, picture.height), (32, 8));
    [4, 12, 20, 28]
        .iter()
        .flat_map(|x| picture.pixels[3 * x..3 * x + 3].to_vec())
        .collect()
}

#[test]
fn cmyk_and_ycck_jpegs_without_a_profile_become_the_light_their_inks_let_through() {
    let expected: Vec<f32> = INKS
        .iter()
        .flat_map(|&[c, m, y, k]| {
            [c, m, y].map(|ink| f32::from(255 - ink) * f32::from(255 - k) / 65025.0)
        })
        .collect();
    for color in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let picture = open(&ink_jpeg(color, None));
        assert!(distance(&blocks(&picture), &expected) < 0.015, "{color:?}");
        assert_eq!(picture.notes, [Note::PlainCmyk]);
    }
}

/// A printer profile (ICC.1:2010, `lut8Type`) that says: lightness falls with the sum of C, M and Y and with K; no hue.
fn neutral_ink_profile() -> Vec<u8> {
    let mut table = b"mft1\0\0\0\0".to_vec();
    table.extend([4, 3, 2, 0]);
    for i in 0..9 {
        table.extend(u32::to_be_bytes(if i % 4 == 0 { 0x0001_0000 } else { 0 }));
    }
    (0..4).for_each(|_| table.extend(0..=255));
    for node in 0..16_u32 {
        let inks = (node >> 3 & 1) + (node >> 2 & 1) + (node >> 1 & 1);
        let lightness = if node & 1 == 1 { 0 } else { 255 - 85 * inks };
        table.extend([lightness as u8, 128, 128]);
    }
    (0..3).for_each(|_| table.extend(0..=255));

    let mut icc = vec![0; 128];
    icc[8] = 2;
    icc[12..24].copy_from_slice(b"prtrCMYKLab ");
    icc[36..40].copy_from_slice(b"acsp");
    for (at, v) in [(68, 0x0000_F6D6_u32), (72, 0x0001_0000), (76, 0x0000_D32D)] {
        icc[at..at + 4].copy_from_slice(&v.to_be_bytes());
    }
    icc.extend(1_u32.to_be_bytes());
    icc.extend(b"A2B0");
    icc.extend(144_u32.to_be_bytes());
    icc.extend((table.len() as u32).to_be_bytes());
    icc.extend(table);
    let length = icc.len() as u32;
    icc[..4].copy_from_slice(&length.to_be_bytes());
    icc
}

#[test]
fn cmyk_and_ycck_jpegs_are_converted_by_their_profile() {
    let icc = neutral_ink_profile();
    assert_eq!(
        ColorProfile::new_from_slice(&icc).unwrap().color_space,
        DataColorSpace::Cmyk
    );
    for color in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let picture = open(&ink_jpeg(color, Some(&icc)));
        // Full cyan is a third of the ink: L* = 66.7, Y = ((L* + 16) / 116)^3 (CIE 15), a grey.
        let grey = from_linear(((200.0_f32 / 3.0 + 16.0) / 116.0).powi(3));
        assert!(
            distance(&blocks(&picture)[..3], &[grey; 3]) < 0.02,
            "{:?} {grey}",
            blocks(&picture)
        );
        assert!(
            matches!(&picture.notes[..], [Note::ProfileConverted(_)]),
            "{:?}",
            picture.notes
        );
    }
}

#[test]
fn a_cmyk_tiff_is_converted_and_said_to_be_approximate() {
    let inks: Vec<u8> = INKS.concat();
    let mut bytes = std::io::Cursor::new(Vec::new());
    TiffEncoder::new(&mut bytes)
        .unwrap()
        .write_image::<colortype::CMYK8>(4, 1, &inks)
        .unwrap();
    let picture = open(bytes.get_ref());
    assert!(distance(&picture.pixels[..3], &[0.0, 1.0, 1.0]) < 0.01);
    assert_eq!(picture.notes, [Note::PlainCmyk]);
}

#[test]
fn sixteen_bit_grey_and_rgb_keep_more_than_256_levels() {
    let levels: Vec<u16> = (0..3000).map(|i| i * 21).collect();
    let samples: &[u8] = bytemuck::cast_slice(&levels);
    let mut grey_tiff = std::io::Cursor::new(Vec::new());
    TiffEncoder::new(&mut grey_tiff)
        .unwrap()
        .write_image::<colortype::Gray16>(3000, 1, &levels)
        .unwrap();
    let mut rgb_tiff = std::io::Cursor::new(Vec::new());
    TiffEncoder::new(&mut rgb_tiff)
        .unwrap()
        .write_image::<colortype::RGB16>(1000, 1, &levels)
        .unwrap();
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    for (name, bytes) in [
        (
            "grey png",
            png((3000, 1), samples, ExtendedColorType::L16, None),
        ),
        (
            "rgb png",
            png((1000, 1), samples, ExtendedColorType::Rgb16, None),
        ),
        (
            "rgb png with a profile",
            png((1000, 1), samples, ExtendedColorType::Rgb16, Some(p3)),
        ),
        ("grey tiff", grey_tiff.into_inner()),
        ("rgb tiff", rgb_tiff.into_inner()),
    ] {
        let picture = open(&bytes);
        assert_eq!(picture.depth, Depth::Sixteen, "{name}");
        let distinct: HashSet<u32> = picture.pixels.iter().map(|v| v.to_bits()).collect();
        assert!(distinct.len() > 2900, "{name}: {} levels", distinct.len());
        // And through a 16-bit file of our own.
        let folder = folder();
        let back = read(&write(&picture, folder.path(), "a.png", Depth::Sixteen));
        assert!(
            distance(&back.pixels, &picture.pixels) <= 0.51 / 65535.0,
            "{name}"
        );
    }
}

#[test]
fn colours_under_fully_transparent_pixels_are_replaced_by_the_mean_of_the_visible() {
    let samples = [255, 0, 0, 255, 0, 0, 255, 255, 9, 250, 17, 0];
    let picture = open(&png((3, 1), &samples, ExtendedColorType::Rgba8, None));
    assert!(distance(&picture.pixels[6..], &[0.5, 0.0, 0.5]) < 1e-6);
    assert!(distance(&picture.pixels[..6], &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]) < 1e-6);
    assert_eq!(picture.alpha.as_deref(), Some(&[1.0, 1.0, 0.0][..]));
}

#[test]
fn a_picture_with_nothing_visible_is_white_underneath() {
    let picture = open(&png(
        (1, 1),
        &[9, 250, 17, 0],
        ExtendedColorType::Rgba8,
        None,
    ));
    assert!(distance(&picture.pixels, &[1.0; 3]) < 1e-6);
}

#[test]
fn an_alpha_channel_that_hides_nothing_is_dropped() {
    let picture = open(&png(
        (1, 1),
        &[9, 250, 17, 255],
        ExtendedColorType::Rgba8,
        None,
    ));
    assert_eq!(picture.alpha, None);
}

#[test]
fn colours_multiplied_by_alpha_in_a_tiff_are_restored() {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut file = TiffEncoder::new(&mut bytes).unwrap();
    let mut image = file.new_image::<colortype::RGBA8>(1, 1).unwrap();
    let kind = [ExtraSamples::AssociatedAlpha.to_u16()];
    image
        .encoder()
        .write_tag(Tag::ExtraSamples, &kind[..])
        .unwrap();
    image.write_data(&[51, 102, 0, 102]).unwrap();
    let picture = open(bytes.get_ref());
    assert!(
        distance(&picture.pixels, &[0.5, 1.0, 0.0]) < 1e-6,
        "{:?}",
        picture.pixels
    );
}

#[test]
fn the_profile_of_a_tiff_is_used_however_small_the_picture() {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut file = TiffEncoder::new(&mut bytes).unwrap();
    let mut image = file.new_image::<colortype::RGB8>(1, 1).unwrap();
    let icc = ColorProfile::new_display_p3().encode().unwrap();
    image
        .encoder()
        .write_tag(Tag::IccProfile, &icc[..])
        .unwrap();
    image.write_data(&[150, 90, 80]).unwrap();
    let picture = open(bytes.get_ref());
    assert!(matches!(&picture.notes[..], [Note::ProfileConverted(_)]));
}
