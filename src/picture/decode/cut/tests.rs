use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::*;

const WIDTH: u16 = 160;
const HEIGHT: u16 = 320;

/// What an encoder can be told to do.
struct Kind {
    name: &'static str,
    color: ColorType,
    sampling: SamplingFactor,
    progressive: bool,
    restarts: u16,
}

const BASELINE: Kind = Kind {
    name: "baseline",
    color: ColorType::Rgb,
    sampling: SamplingFactor::R_4_4_4,
    progressive: false,
    restarts: 0,
};

fn jpeg(kind: &Kind) -> Vec<u8> {
    let channels = if kind.color == ColorType::Luma {
        1
    } else if kind.color == ColorType::Rgb {
        3
    } else {
        4
    };
    // Noise: no two blocks are alike, and every row takes about as many bytes.
    let mut state = 1_u32;
    let samples: Vec<u8> = (0..usize::from(WIDTH) * usize::from(HEIGHT) * channels)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 80);
    encoder.set_progressive(kind.progressive);
    encoder.set_sampling_factor(kind.sampling);
    if kind.restarts > 0 {
        encoder.set_restart_interval(kind.restarts);
    }
    encoder.encode(&samples, WIDTH, HEIGHT, kind.color).unwrap();
    bytes
}

/// Percent of the rows, from the top, in which a cut file shows what the whole one does.
fn percent_alike(whole: &[u8], cut: &[u8]) -> usize {
    let (Ok(whole), Ok(cut)) = (decode(whole), decode(cut)) else {
        return 0;
    };
    100 * whole.iter().zip(&cut).take_while(|(a, b)| a == b).count() / whole.len()
}

#[test]
fn what_is_there_of_a_cut_file_is_the_rows_that_are_as_in_the_whole() {
    let kinds = [
        BASELINE,
        Kind {
            name: "half colours",
            sampling: SamplingFactor::R_4_2_0,
            ..BASELINE
        },
        Kind {
            name: "grey",
            color: ColorType::Luma,
            ..BASELINE
        },
        Kind {
            name: "inks",
            color: ColorType::CmykAsYcck,
            ..BASELINE
        },
        Kind {
            name: "restarts",
            restarts: 7,
            ..BASELINE
        },
    ];
    for kind in kinds {
        let whole = jpeg(&kind);
        assert_eq!(percent_there(&whole), None, "{}", kind.name);
        for part in 1..200 {
            let cut = &whole[..whole.len() * part / 200];
            let there = percent_there(cut).map(usize::from).unwrap();
            let alike = percent_alike(&whole, cut);
            // To a row of blocks, 5 % of this picture or less: a decoder may give up on the last one that is there.
            assert!(
                there.abs_diff(alike) <= 5,
                "{} cut at {part}/200: {there} % against {alike} %",
                kind.name
            );
        }
    }
}

#[test]
fn a_file_without_its_last_marker_is_all_there() {
    for progressive in [false, true] {
        let whole = jpeg(&Kind {
            progressive,
            ..BASELINE
        });
        assert_eq!(percent_there(&whole[..whole.len() - 2]), Some(100));
        assert_eq!(percent_there(&whole[..whole.len() - 1]), Some(100));
    }
}

#[test]
fn a_progressive_file_without_its_fine_detail_is_not_there() {
    let whole = jpeg(&Kind {
        progressive: true,
        ..BASELINE
    });
    assert_eq!(percent_there(&whole), None);
    let scans: Vec<_> = (0..whole.len() - 1)
        .filter(|&at| whole[at..].starts_with(&[0xFF, 0xDA]))
        .collect();
    assert!(scans.len() > 3, "{scans:?}");
    for &scan in &scans[1..] {
        assert_eq!(percent_there(&whole[..scan]), Some(0), "cut at {scan}");
    }
    let last = *scans.last().unwrap();
    let middle = percent_there(&whole[..last.midpoint(whole.len())]).unwrap();
    assert!((20..80).contains(&middle), "{middle} % of the last scan");
}

#[test]
fn bits_that_only_make_a_progressive_picture_more_precise_are_not_missed() {
    let mut markers = Markers::default();
    markers.segment(0xC2, &[8, 0, 9, 0, 9, 1, 1, 0x11, 0]);
    let mut scan = |first, last, bits| {
        markers.segment(0xDA, &[1, 1, 0, first, last, bits]);
        (is_whole(&markers.before), is_whole(&markers.begun))
    };
    assert_eq!(scan(0, 0, 0x01), (false, false));
    assert_eq!(scan(1, 5, 0x02), (false, false));
    assert_eq!(scan(6, 63, 0x02), (false, true));
    assert_eq!(scan(1, 63, 0x21), (true, true));
}

#[test]
fn markers_that_make_no_sense_are_no_crash() {
    for content in [&[][..], &[0], &[255; 3], &[1, 1, 0, 200, 255, 0], &[9; 400]] {
        for marker in [0xC0, 0xC2, 0xDA] {
            let mut markers = Markers::default();
            markers.segment(0xC2, &[8, 0, 9, 0, 9, 1, 1, 0x11, 0]);
            markers.segment(marker, content);
            assert!(!is_whole(&markers.before));
        }
    }
}
