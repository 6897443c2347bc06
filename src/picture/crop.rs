use super::Picture;

impl Picture {
    /// The largest part around the middle whose sides are to each other as `width` to `height` (at least 1), as
    /// closely as whole pixels allow, at this picture's own resolution.
    #[must_use]
    pub fn cropped_to_ratio(&self, width: usize, height: usize) -> Picture {
        let ratio = width.max(1) as f64 / height.max(1) as f64;
        let side = |v: f64, most: usize| (v.round_ties_even() as usize).clamp(1, most);
        let columns = side(self.height as f64 * ratio, self.width);
        let rows = side(self.width as f64 / ratio, self.height);
        let (left, top) = ((self.width - columns) / 2, (self.height - rows) / 2);
        let part = |samples: &[f32], channels: usize| {
            let row = |y: usize| {
                let start = channels * ((top + y) * self.width + left);
                &samples[start..start + channels * columns]
            };
            (0..rows).flat_map(row).copied().collect()
        };
        Picture {
            width: columns,
            height: rows,
            pixels: part(&self.pixels, 3),
            alpha: self.alpha.as_ref().map(|alpha| part(alpha, 1)),
            depth: self.depth,
            notes: self.notes.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Depth;

    /// A picture whose samples say where they are.
    fn numbered(width: usize, height: usize) -> Picture {
        let places = || (0..width * height).map(|i| i as f32 / 1000.0);
        Picture {
            width,
            height,
            pixels: places().flat_map(|v| [v, v, v]).collect(),
            alpha: Some(places().collect()),
            depth: Depth::Sixteen,
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_middle_of_the_long_side_is_kept_and_all_of_the_short_one() {
        let square = numbered(6, 4).cropped_to_ratio(100, 100);
        assert_eq!((square.width, square.height), (4, 4));
        let alpha = square.alpha.unwrap();
        assert_eq!(&alpha[..4], [0.001, 0.002, 0.003, 0.004]);
        assert_eq!(alpha[15].to_bits(), 0.022_f32.to_bits());
        assert_eq!(square.pixels[3 * 15].to_bits(), 0.022_f32.to_bits());
        let wide = numbered(6, 4).cropped_to_ratio(3, 1);
        assert_eq!((wide.width, wide.height), (6, 2));
        assert_eq!(wide.alpha.unwrap()[0].to_bits(), 0.006_f32.to_bits());
    }

    #[test]
    fn a_picture_of_the_ratio_stays_and_one_pixel_is_always_left() {
        let picture = numbered(6, 4);
        assert_eq!(picture.cropped_to_ratio(3, 2), picture);
        let line = numbered(6, 4).cropped_to_ratio(1, 60_000);
        assert_eq!((line.width, line.height), (1, 4));
    }
}
