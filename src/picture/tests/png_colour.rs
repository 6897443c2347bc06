//! What a PNG says of its colours in chunks of its own: cICP, sRGB, gAMA and cHRM.

use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use moxcms::ColorProfile;
use png::chunk::{ChunkType, cHRM, cICP, gAMA, sRGB};

use super::distance;
use crate::picture::{Limits, Note, Picture, decode_bytes};

/// Dark, middle and light colours, of which a wide gamut and another curve both move some.
const SAMPLES: [u8; 12] = [150, 90, 80, 100, 150, 110, 20, 10, 60, 128, 128, 128];

/// White, red, green and blue, each x and y in 1/100000, as cHRM holds them.
const SRGB_PRIMARIES: [u32; 8] = [
    31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000,
];
const P3_PRIMARIES: [u32; 8] = [
    31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000,
];

fn chrm(points: [u32; 8]) -> (ChunkType, Vec<u8>) {
    (cHRM, points.iter().flat_map(|v| v.to_be_bytes()).collect())
}

fn gama(hundred_thousandths: u32) -> (ChunkType, Vec<u8>) {
    (gAMA, hundred_thousandths.to_be_bytes().to_vec())
}

fn cicp(primaries: u8, transfer: u8) -> (ChunkType, Vec<u8>) {
    (cICP, vec![primaries, transfer, 0, 1])
}

fn open(chunks: &[(ChunkType, Vec<u8>)]) -> Picture {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 4, 1);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    for (kind, content) in chunks {
        writer.write_chunk(*kind, content).unwrap();
    }
    writer.write_image_data(&SAMPLES).unwrap();
    writer.finish().unwrap();
    decode_bytes(Path::new("test"), &bytes, &Limits::default()).unwrap()
}

fn with_profile(profile: &ColorProfile) -> Picture {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(profile.encode().unwrap()).unwrap();
    encoder
        .write_image(&SAMPLES, 4, 1, ExtendedColorType::Rgb8)
        .unwrap();
    decode_bytes(Path::new("test"), &bytes, &Limits::default()).unwrap()
}

/// The samples by a function of each.
fn by(curve: impl Fn(f32) -> f32) -> Vec<f32> {
    SAMPLES
        .iter()
        .map(|&v| curve(f32::from(v) / 255.0))
        .collect()
}

/// From light to sRGB (IEC 61966-2-1).
fn from_linear(v: f32) -> f32 {
    if v <= 0.003_130_8 {
        v * 12.92
    } else {
        1.055 * v.powf(1.0 / 2.4) - 0.055
    }
}

#[test]
fn a_gamma_is_converted_by_its_power() {
    for gamma in [1.0, 0.55556, 0.35] {
        let picture = open(&[gama((gamma * 100_000.0) as u32)]);
        let expected = by(|v| from_linear(v.powf(1.0 / gamma)));
        assert!(
            distance(&picture.pixels, &expected) < 2e-3,
            "{:?} {expected:?}",
            picture.pixels
        );
        assert!(
            matches!(&picture.notes[..], [Note::ProfileConverted(name)] if name.contains("gAMA"))
        );
    }
}

#[test]
fn primaries_are_converted_as_the_profile_of_the_same_primaries_is() {
    let p3 = with_profile(&ColorProfile::new_display_p3());
    assert!(distance(&p3.pixels, &by(|v| v)) > 0.01, "it moves colours");
    for chunks in [
        &[chrm(P3_PRIMARIES)][..],
        &[gama(45_455), chrm(P3_PRIMARIES)],
        &[cicp(12, 13)],
    ] {
        let picture = open(chunks);
        assert!(
            distance(&picture.pixels, &p3.pixels) < 2e-3,
            "{:?} {:?}",
            picture.pixels,
            p3.pixels
        );
        assert!(
            matches!(&picture.notes[..], [Note::ProfileConverted(_)]),
            "{:?}",
            picture.notes
        );
    }
}

#[test]
fn chunks_that_only_repeat_srgb_change_nothing_at_all() {
    let plain = open(&[]);
    assert_eq!(plain.notes, []);
    let repeated = [
        &[gama(45_455)][..],
        &[chrm(SRGB_PRIMARIES)],
        &[gama(45_455), chrm(SRGB_PRIMARIES)],
        &[(sRGB, vec![0])],
        &[cicp(1, 13)],
    ];
    for chunks in repeated {
        assert_eq!(open(chunks), plain, "{chunks:?}");
    }
}

#[test]
fn code_points_win_over_srgb_and_srgb_wins_over_gamma() {
    let (plain, p3) = (open(&[]), open(&[cicp(12, 13)]));
    assert_eq!(
        open(&[(sRGB, vec![0]), gama(100_000), chrm(P3_PRIMARIES)]),
        plain
    );
    assert_eq!(open(&[cicp(12, 13), (sRGB, vec![0])]), p3);
    assert_eq!(open(&[cicp(12, 13), gama(100_000)]), p3);
    assert_eq!(open(&[cicp(1, 13), gama(100_000)]), plain);
}

#[test]
fn colours_that_cannot_be_converted_are_taken_as_srgb_and_noted() {
    let plain = open(&[]);
    // HDR by PQ and by HLG, reserved and unspecified values, and half the range.
    let narrow = (cICP, vec![12, 13, 0, 0]);
    for chunk in [
        cicp(9, 16),
        cicp(9, 18),
        cicp(3, 13),
        cicp(2, 2),
        cicp(1, 200),
        narrow,
    ] {
        let picture = open(std::slice::from_ref(&chunk));
        assert_eq!(picture.pixels, plain.pixels, "{chunk:?}");
        assert!(
            matches!(&picture.notes[..], [Note::ProfileIgnored(why)] if why.contains("cICP")),
            "{:?}",
            picture.notes
        );
        // Said to be sRGB too, it is.
        assert_eq!(open(&[chunk, (sRGB, vec![0])]), plain);
    }
    assert!(matches!(
        &open(&[cicp(9, 16), gama(100_000)]).notes[..],
        [Note::ProfileConverted(_)]
    ));
}

#[test]
fn nonsense_in_gamma_and_primaries_is_noted_and_moves_no_colour() {
    let plain = open(&[]);
    let line = [
        31_270, 32_900, 10_000, 10_000, 20_000, 20_000, 30_000, 30_000,
    ];
    let outside = [
        90_000, 90_000, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000,
    ];
    let dark = [31_270, 32_900, 100_000, 0, 0, 100_000, 0, 0];
    for chunk in [
        gama(1),
        gama(2_000_000_000),
        chrm([0; 8]),
        chrm([u32::MAX >> 1; 8]),
        chrm(line),
        chrm(outside),
        chrm(dark),
    ] {
        let picture = open(std::slice::from_ref(&chunk));
        assert_eq!(picture.pixels, plain.pixels, "{chunk:?}");
        assert!(
            matches!(&picture.notes[..], [Note::ProfileIgnored(_)]),
            "{chunk:?} {:?}",
            picture.notes
        );
    }
}
