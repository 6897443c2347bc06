//! What a TIFF says that `image` does not pass on: more pages, inks, and colours already multiplied by alpha.

use std::io::Cursor;

use tiff::ColorType;
use tiff::decoder::Decoder;
use tiff::tags::{ExtraSamples, Tag};

use super::formats::Decoded;
use crate::picture::Note;

/// Notes what was left out or approximated, and divides associated alpha out of the colours.
pub(super) fn apply(bytes: &[u8], decoded: &mut Decoded, notes: &mut Vec<Note>) {
    // The pixels are decoded already: a file whose tags cannot be read again has nothing more to say.
    let Ok(mut decoder) = Decoder::new(Cursor::new(bytes)) else {
        return;
    };
    if decoder.more_images() {
        notes.push(Note::SeveralPages);
    }
    if matches!(decoder.colortype(), Ok(ColorType::CMYK(_))) {
        // `image` has turned the inks to RGB, so a profile of the inks no longer applies.
        decoded.icc = None;
        notes.push(Note::PlainCmyk);
    }
    let extra = decoder
        .get_tag_u16_vec(Tag::ExtraSamples)
        .unwrap_or_default();
    if let Some(alpha) = &decoded.alpha
        && extra.first() == Some(&ExtraSamples::AssociatedAlpha.to_u16())
    {
        for (rgb, &a) in decoded.rgb.as_chunks_mut::<3>().0.iter_mut().zip(alpha) {
            if a > 0.0 {
                *rgb = rgb.map(|v| v / a);
            }
        }
    }
}
