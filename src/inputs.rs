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
