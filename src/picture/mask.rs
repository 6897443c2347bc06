use super::Picture;

/// How much each pixel belongs to a region: a grey picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    /// Columns, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
    /// `width * height` values in [0, 1], row by row from the top left.
    pub values: Vec<f32>,
}

impl Mask {
    /// The luminance of a picture (ITU-R BT.601 weights on sRGB values); transparent is outside.
    pub fn of(picture: &Picture) -> Self {
        let luminance = |rgb: &[f32; 3]| 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        let mut values: Vec<f32> = picture
            .pixels
            .as_chunks::<3>()
            .0
            .iter()
            .map(luminance)
            .collect();
        if let Some(alpha) = &picture.alpha {
            for (value, alpha) in values.iter_mut().zip(alpha) {
                *value *= alpha;
            }
        }
        Self {
            width: picture.width,
            height: picture.height,
            values,
        }
    }

    /// Whether less than half a pixel of it belongs to the region.
    pub fn is_empty(&self) -> bool {
        self.values.iter().sum::<f32>() < 0.5
    }
}
