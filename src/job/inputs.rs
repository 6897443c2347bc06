use super::JobError;
use crate::picture::{Mask, Picture};

/// The pictures of a transfer.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// The photo.
    pub content: Picture,
    /// What it is painted after: at least one.
    pub styles: Vec<Painting>,
}

/// A style picture and where it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Painting {
    /// The picture.
    pub picture: Picture,
    /// Its share among the paintings of the same region, above 0.
    pub weight: f32,
    /// Where in the photo it counts: everywhere if none. Any size.
    pub content_mask: Option<Mask>,
    /// The part of the painting that counts: all of it if none. Any size.
    pub style_mask: Option<Mask>,
}

impl Inputs {
    /// One photo after one painting.
    pub fn new(content: Picture, style: Picture) -> Self {
        Self {
            content,
            styles: vec![style.into()],
        }
    }

    /// Refuses a region without a pixel.
    ///
    /// A mask that is not empty is empty at no layer either: its resolution is made by averaging,
    /// which loses no pixel.
    ///
    /// # Errors
    ///
    /// [`JobError::EmptyMask`] of the first empty mask, counted among those of its flag.
    pub fn check_masks(&self) -> Result<(), JobError> {
        let content = self.styles.iter().map(|s| s.content_mask.as_ref());
        let style = self.styles.iter().map(|s| s.style_mask.as_ref());
        check("--content-mask", content)?;
        check("--style-mask", style)
    }
}

fn check<'a>(flag: &str, masks: impl Iterator<Item = Option<&'a Mask>>) -> Result<(), JobError> {
    match masks.flatten().position(Mask::is_empty) {
        None => Ok(()),
        Some(k) => Err(JobError::EmptyMask {
            which: format!("{flag} number {}", k + 1),
        }),
    }
}

impl From<Picture> for Painting {
    fn from(picture: Picture) -> Self {
        Self {
            picture,
            weight: 1.0,
            content_mask: None,
            style_mask: None,
        }
    }
}
