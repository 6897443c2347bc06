use fast_image_resize::FilterType;
use fast_image_resize::pixels::F32;

use super::resize::resample;
use super::{Picture, unit};

/// How much each pixel of a picture belongs to a region: 0 not at all, 1 wholly.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// Columns, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
    /// `width * height` values in [0, 1], row by row from the top left.
    pub values: Vec<f32>,
}

impl From<&Picture> for Mask {
    /// The luminance of a picture laid on black: white belongs to the region, black or clear does not.
    fn from(picture: &Picture) -> Self {
        let mut values = picture.luminance();
        if let Some(alpha) = &picture.alpha {
            for (v, a) in values.iter_mut().zip(alpha) {
                *v *= a;
            }
        }
        for v in &mut values {
            *v = unit(*v);
        }
        Self {
            width: picture.width,
            height: picture.height,
            values,
        }
    }
}

impl Mask {
    /// This mask at another size (pixels, at least 1), by averaging (down) or bilinear interpolation (up).
    ///
    /// Every value is a weighted mean of old ones, so edges get soft and nothing leaves [0, 1].
    ///
    /// # Panics
    /// If the fields of this mask contradict each other, or a side is 0 or does not fit 32 bits.
    #[must_use]
    pub fn resized(&self, width: usize, height: usize) -> Mask {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let values = resample::<F32>(
            &self.values,
            (self.width, self.height),
            (width, height),
            FilterType::Bilinear,
        );
        Mask {
            width,
            height,
            values,
        }
    }

    /// Whether the region is smaller than half a pixel: too little to take statistics of.
    pub fn is_empty(&self) -> bool {
        self.values.iter().map(|&v| f64::from(v)).sum::<f64>() < 0.5
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::picture::tests::distance;

    fn mask(width: usize, height: usize, value: impl Fn(usize, usize) -> f32) -> Mask {
        let values = (0..width * height).map(|i| value(i % width, i / width));
        Mask {
            width,
            height,
            values: values.collect(),
        }
    }

    #[test]
    fn white_is_in_black_and_clear_are_out() {
        let planes = [
            [1.0, 0.0, 1.0, 1.0],
            [1.0, 0.0, 1.0, 0.0],
            [1.0, 0.0, 1.0, 0.0],
        ];
        let mut picture = Picture::from_planes(2, 2, planes.as_flattened()).unwrap();
        picture.alpha = Some(vec![1.0, 1.0, 0.0, 0.5]);
        let mask = Mask::from(&picture);
        assert_eq!((mask.width, mask.height), (2, 2));
        assert!(
            distance(&mask.values, &[1.0, 0.0, 0.0, 0.1495]) < 1e-6,
            "{mask:?}"
        );
    }

    #[test]
    fn a_smaller_mask_is_the_mean_of_what_it_covers() {
        // Vertical stripes of one pixel: half of every block away from the border.
        let stripes = mask(64, 64, |x, _| (x % 2) as f32).resized(8, 8);
        for row in stripes.values.chunks(8) {
            assert!(distance(&row[1..7], &[0.5; 6]) < 0.01, "{row:?}");
        }
    }

    #[test]
    fn a_larger_mask_has_soft_edges_without_ringing() {
        let edge = mask(2, 1, |x, _| x as f32).resized(16, 1);
        assert!(
            edge.values.is_sorted(),
            "a ringing filter would overshoot: {edge:?}"
        );
        let soft = edge.values.iter().filter(|v| (0.01..0.99).contains(*v));
        assert!(soft.count() >= 6, "{edge:?}");
    }

    #[test]
    fn a_region_of_less_than_half_a_pixel_is_empty() {
        assert!(mask(100, 100, |_, _| 0.0).is_empty());
        assert!(mask(7, 7, |_, _| 0.01).is_empty());
        assert!(!mask(8, 8, |_, _| 0.01).is_empty());
        let speck = mask(64, 64, |x, y| f32::from(u8::from((x, y) == (9, 9))));
        assert!(!speck.is_empty());
        assert!(speck.resized(16, 16).is_empty());
    }

    proptest! {
        #[test]
        fn a_full_mask_stays_full_and_nothing_leaves_the_range(
            (w, h) in (1_usize..50, 1_usize..50), (nw, nh) in (1_usize..90, 1_usize..90), seed in any::<usize>(),
        ) {
            // Hard noise, the worst case for overshoot.
            let old = mask(w, h, |x, y| ((x * 7919 + y * 104_729) ^ seed).count_ones() as f32 % 2.0);
            let new = old.resized(nw, nh);
            prop_assert_eq!(new.values.len(), nw * nh);
            prop_assert!(new.values.iter().all(|v| (0.0..=1.0).contains(v)));
            let all = mask(w, h, |_, _| 1.0).resized(nw, nh);
            prop_assert!(distance(&all.values, &vec![1.0; nw * nh]) < 1e-5);
        }
    }
}
