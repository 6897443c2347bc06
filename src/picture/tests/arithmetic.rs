//! Sizes, planes and resampling.

use proptest::prelude::*;

use super::{distance, gradient};
use crate::picture::{Picture, PictureError, fit_long_side};

#[test]
fn the_long_side_is_fitted_as_the_reference_does() {
    assert_eq!(fit_long_side(1024, 768, 512), (512, 384));
    assert_eq!(fit_long_side(333, 1000, 512), (170, 512));
    // Halves go to the even neighbour, as in Python's round().
    assert_eq!(fit_long_side(100, 25, 10), (10, 2));
    assert_eq!(fit_long_side(100, 35, 10), (10, 4));
    assert_eq!(fit_long_side(5000, 1, 100), (100, 1));
}

#[test]
fn planes_that_do_not_fit_the_size_are_refused() {
    for (width, height, samples) in [(2, 2, 11), (0, 4, 0), (usize::MAX, 2, 6)] {
        let planes = vec![0.0; samples];
        assert!(matches!(
            Picture::from_planes(width, height, &planes),
            Err(PictureError::WrongLength { .. })
        ));
    }
}

#[test]
fn samples_outside_the_range_are_clamped() {
    let picture = Picture::from_planes(1, 1, &[-3.0, f32::NAN, f32::INFINITY]).unwrap();
    assert_eq!(picture.pixels, [0.0, 0.0, 1.0]);
}

#[test]
fn hidden_colours_do_not_bleed_when_resizing() {
    let mut picture = gradient(64, 64, 256.0);
    // Left half: visible grey. Right half: clear, with garbage under it.
    for (i, pixel) in picture.pixels.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        if i % 64 < 32 {
            *pixel = [0.5; 3];
        }
    }
    picture.alpha = Some(
        (0..4096)
            .map(|i| f32::from(u8::from(i % 64 < 32)))
            .collect(),
    );
    let small = picture.resized(17, 17);
    assert!(distance(&small.pixels, &vec![0.5; 17 * 17 * 3]) < 1e-3);
    let alpha = small.alpha.unwrap();
    assert!(alpha[0] > 0.99 && alpha[16] < 0.01);
}

proptest! {
    #[test]
    fn the_long_side_is_the_size_asked_for(w in 1_usize..20_000, h in 1_usize..20_000, size in 1_usize..5_000) {
        let (fw, fh) = fit_long_side(w, h, size);
        prop_assert_eq!(fw.max(fh), size);
        prop_assert!(fw.min(fh) >= 1);
        let exact = w.min(h) as f64 * size as f64 / w.max(h) as f64;
        prop_assert!((fw.min(fh) as f64 - exact).abs() <= 0.5001 || exact < 0.5);
    }

    #[test]
    fn planes_and_pixels_are_the_same_picture(w in 1_usize..20, h in 1_usize..20) {
        let picture = gradient(w, h, 256.0);
        let planes = picture.planes();
        let firsts = [planes[0], planes[w * h], planes[2 * w * h]];
        prop_assert_eq!(&firsts[..], &picture.pixels[..3]);
        prop_assert_eq!(Picture::from_planes(w, h, &planes).unwrap(), picture);
    }

    #[test]
    fn a_flat_picture_stays_flat_at_any_size(
        (w, h) in (1_usize..60, 1_usize..60), (nw, nh) in (1_usize..90, 1_usize..90), level in 0.0_f32..=1.0,
    ) {
        let flat = Picture::from_planes(w, h, &vec![level; 3 * w * h]).unwrap().resized(nw, nh);
        prop_assert_eq!((flat.width, flat.height), (nw, nh));
        prop_assert!(distance(&flat.pixels, &vec![level; 3 * nw * nh]) < 1e-5);
    }

    #[test]
    fn resizing_stays_in_range(w in 1_usize..40, h in 1_usize..40, nw in 1_usize..60, nh in 1_usize..60) {
        let resized = gradient(w, h, 2.0).resized(nw, nh);
        prop_assert_eq!(resized.pixels.len(), 3 * nw * nh);
        prop_assert!(resized.pixels.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}
