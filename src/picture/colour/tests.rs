use proptest::prelude::*;

use super::*;
use crate::picture::tests::{distance, folder, read, sample, write};

fn picture(width: usize, pixels: Vec<f32>) -> Picture {
    Picture {
        width,
        height: pixels.len() / 3 / width,
        pixels,
        alpha: None,
        depth: Depth::Eight,
        notes: Vec::new(),
    }
}

fn flat(rgb: [f32; 3]) -> Picture {
    picture(5, rgb.repeat(25))
}

/// 64 pixels that vary in every direction of RGB.
fn colourful() -> impl Strategy<Value = Picture> {
    prop::collection::vec(0.0_f32..=1.0, 192).prop_map(|pixels| picture(8, pixels))
}

/// 64 greys that vary.
fn greys() -> impl Strategy<Value = Picture> {
    prop::collection::vec(0.0_f32..=1.0, 64)
        .prop_map(|values| picture(8, values.into_iter().flat_map(|v| [v; 3]).collect()))
}

/// I and Q (FCC 1953), in 8-bit steps.
fn chroma(rgb: &[f32; 3]) -> [f32; 2] {
    let [r, g, b] = rgb.map(|v| v * 255.0);
    [
        0.5959 * r - 0.2746 * g - 0.3213 * b,
        0.2115 * r - 0.5227 * g + 0.3112 * b,
    ]
}

/// Largest difference of I or Q, in 8-bit steps.
fn chroma_distance(a: &Picture, b: &Picture) -> f32 {
    let pairs = a.pixels.as_chunks::<3>().0.iter();
    pairs
        .zip(b.pixels.as_chunks::<3>().0)
        .flat_map(|(a, b)| {
            let (a, b) = (chroma(a), chroma(b));
            [(a[0] - b[0]).abs(), (a[1] - b[1]).abs()]
        })
        .fold(0.0, f32::max)
}

fn saved(picture: &Picture) -> Picture {
    let folder = folder();
    read(&write(picture, folder.path(), "a.png", Depth::Eight))
}

#[test]
fn the_chroma_of_real_photos_survives_their_8_bit_file() {
    let sizes = (192, 144);
    for (photo, painted) in [
        ("content/valley.jpg", "results/valley-swirl.jpg"),
        ("content/valley.jpg", "results/valley-woodcut.jpg"),
        ("content/harbour.jpg", "style/mosaic.jpg"),
        ("style/mosaic.jpg", "content/harbour.jpg"),
    ] {
        let (Some(photo), Some(painted)) = (
            sample(photo, sizes.0, sizes.1),
            sample(painted, sizes.0, sizes.1),
        ) else {
            return;
        };
        let result = saved(&painted.with_colours_of(&photo));
        for original in [&photo, &saved(&photo)] {
            let off = chroma_distance(&result, original);
            assert!(off <= 1.0, "{off} steps");
        }
        assert!(
            distance(&result.pixels, &photo.pixels) > 0.2,
            "the result is not the photo"
        );
    }
}

#[test]
fn the_photo_is_brought_to_the_size_of_the_result() {
    let painted = picture(4, vec![0.5; 48]);
    let photo = picture(9, [0.6, 0.4, 0.2].repeat(63));
    let result = painted.with_colours_of(&photo);
    assert_eq!((result.width, result.height), (4, 4));
    assert!(chroma_distance(&saved(&result), &flat([0.6, 0.4, 0.2])) <= 1.0);
    assert!(distance(&result.luminance(), &[0.5; 16]) <= 0.5 / 255.0 + 1e-6);
}

#[test]
fn a_colour_at_the_border_of_the_gamut_gives_up_luminance_not_chroma() {
    // Pure blue has one luminance only; a lighter or darker one would be no sRGB colour.
    for level in [0.0, 1.0] {
        let result = flat([level; 3]).with_colours_of(&flat([0.0, 0.0, 1.0]));
        assert_eq!(result.pixels, flat([0.0, 0.0, 1.0]).pixels);
    }
    let dark_red = flat([0.4, 0.0, 0.0]);
    let lit = flat([1.0; 3]).with_colours_of(&dark_red);
    assert!(distance(&lit.pixels, &flat([1.0, 0.6, 0.6]).pixels) < 1e-6);
}

#[test]
fn pictures_without_variation_give_the_photos_mean_and_no_nan() {
    let photo = picture(2, vec![0.1, 0.2, 0.3, 0.5, 0.4, 0.9]);
    let mean = [0.3, 0.3, 0.6];
    let matched = flat([0.9, 0.1, 0.2]).colours_matched(&photo);
    assert!(distance(&matched.pixels, &flat(mean).pixels) < 1e-6);
    let grey = flat([0.9, 0.1, 0.2]).luminance_matched(&photo);
    let level = luminance(mean);
    assert!(distance(&grey.pixels, &flat([level; 3]).pixels) < 1e-6);
    let flattened = photo.colours_matched(&flat([0.2, 0.7, 0.4]));
    assert!(distance(&flattened.pixels, &[0.2, 0.7, 0.4, 0.2, 0.7, 0.4]) < 1e-6);
}

#[test]
fn an_invisible_picture_makes_no_nan() {
    let mut clear = flat([0.4, 0.1, 0.9]);
    clear.alpha = Some(vec![0.0; 25]);
    let photo = flat([0.3, 0.8, 0.1]);
    for result in [
        clear.colours_matched(&photo),
        photo.colours_matched(&clear),
        clear.luminance_matched(&photo),
        photo.luminance_matched(&clear),
    ] {
        assert!(result.pixels.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}

#[test]
fn what_is_transparent_does_not_count() {
    let mut half = picture(2, vec![0.2, 0.2, 0.2, 1.0, 0.0, 1.0]);
    half.alpha = Some(vec![1.0, 0.0]);
    let statistics = Statistics::of(&half);
    assert!((statistics.luminance() - 0.2).abs() < 1e-6);
    assert!(statistics.contrast() < 1e-6);
}

proptest! {
    #[test]
    fn chroma_is_the_photos_and_luminance_is_moved_as_far_as_the_gamut_goes(
        painted in colourful(), photo in colourful(), sixteen in any::<bool>(),
    ) {
        let mut painted = painted;
        let (depth, levels) = if sixteen { (Depth::Sixteen, 65535.0) } else { (Depth::Eight, 255.0) };
        painted.depth = depth;
        let result = painted.with_colours_of(&photo);
        let stored = result.pixels.as_chunks::<3>().0.iter().map(|rgb| rgb.map(|v| (v * levels).round()));
        let photo = photo.pixels.as_chunks::<3>().0.iter();
        for ((new, old), target) in stored.zip(photo).zip(painted.luminance()) {
            let old = old.map(|v| (v * levels).round());
            let shift = new[0] - old[0];
            // Rounding of `v + steps / levels` and of `v` may part by one step where `v` lies on a half.
            for c in 1..3 {
                prop_assert!((new[c] - old[c] - shift).abs() <= 1.0);
            }
            let reached = luminance(new.map(|v| v / levels));
            let at_border = new.iter().any(|&v| v < 0.5 || v > levels - 0.5);
            prop_assert!((reached - target).abs() * levels <= 1.1 || at_border, "{reached} {target}");
        }
    }

    #[test]
    fn a_picture_keeps_its_own_colours(photo in colourful()) {
        let same = photo.with_colours_of(&photo);
        prop_assert!(distance(&same.pixels, &photo.pixels) == 0.0);
        prop_assert!(distance(&photo.colours_matched(&photo).pixels, &photo.pixels) < 1e-5);
        let grey = photo.luminance_matched(&photo);
        prop_assert!(distance(&grey.pixels, &photo.grey().pixels) < 1e-5);
    }

    #[test]
    fn mean_and_covariance_become_the_photos_before_clamping(style in colourful(), photo in colourful()) {
        let (moved, wanted) = (Statistics::of(&style.colours_moved(&photo)), Statistics::of(&photo));
        for c in 0..3 {
            prop_assert!((moved.mean[c] - wanted.mean[c]).abs() < 1e-6);
            for d in 0..3 {
                prop_assert!((moved.covariance[c][d] - wanted.covariance[c][d]).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn mean_and_deviation_of_luminance_become_the_photos_before_clamping(style in colourful(), photo in colourful()) {
        let (moved, wanted) = (Statistics::of(&style.luminance_moved(&photo)), Statistics::of(&photo));
        prop_assert!((moved.luminance() - wanted.luminance()).abs() < 1e-6);
        prop_assert!((moved.contrast() - wanted.contrast()).abs() < 1e-6);
    }

    #[test]
    fn a_grey_photo_makes_the_painting_grey(style in colourful(), photo in greys()) {
        let matched = style.colours_matched(&photo);
        for rgb in matched.pixels.as_chunks::<3>().0 {
            prop_assert!(distance(rgb, &[rgb[0]; 3]) < 1e-5, "{rgb:?}");
        }
    }

    #[test]
    fn a_grey_painting_varies_along_one_line_of_the_photos_colours(style in greys(), photo in colourful()) {
        let moved = Statistics::of(&style.colours_moved(&photo)).covariance;
        let area = moved[0][0] * moved[1][1] - moved[0][1] * moved[1][0];
        prop_assert!(moved[0][0] > 0.0 && area.abs() < 1e-9, "{moved:?}");
    }
}
