//! WebP: lossless, or lossy if a quality is asked for.

use std::io::Write;

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use webp::{Encoder, PixelLayout, WebPConfig};

use super::EncodeOptions;
use super::formats::{Failure, exif, interleaved, srgb_profile, tag};
use crate::picture::{Picture, eight_bit};

pub(super) fn write(
    out: impl Write,
    size: (u32, u32),
    picture: &Picture,
    options: &EncodeOptions,
) -> Result<(), Failure> {
    let samples = eight_bit(&interleaved(picture));
    let has_alpha = picture.alpha.is_some();
    match options.quality {
        None => lossless(out, size, &samples, has_alpha, options),
        Some(quality) => lossy(out, size, &samples, has_alpha, quality, options),
    }
}

fn lossless(
    out: impl Write,
    (width, height): (u32, u32),
    samples: &[u8],
    has_alpha: bool,
    options: &EncodeOptions,
) -> Result<(), Failure> {
    let mut encoder = WebPEncoder::new_lossless(out);
    tag(&mut encoder, options)?;
    let color = if has_alpha {
        ExtendedColorType::Rgba8
    } else {
        ExtendedColorType::Rgb8
    };
    Ok(encoder.write_image(samples, width, height, color)?)
}

/// The alpha channel stays lossless.
fn lossy(
    mut out: impl Write,
    (width, height): (u32, u32),
    samples: &[u8],
    has_alpha: bool,
    quality: u8,
    options: &EncodeOptions,
) -> Result<(), Failure> {
    let failed = |reason: &str| Failure::Encoder(reason.to_owned());
    let mut config = WebPConfig::new().map_err(|()| failed("the encoder is of another version"))?;
    config.quality = quality.clamp(1, 100).into();
    // Colours have half the resolution of a lossy WebP; averaged without care, saturated edges darken.
    config.use_sharp_yuv = 1;
    let layout = if has_alpha {
        PixelLayout::Rgba
    } else {
        PixelLayout::Rgb
    };
    let bytes = Encoder::new(samples, layout, width, height)
        .encode_advanced(&config)
        .map_err(|e| failed(&format!("{e:?}")))?;
    let exif = exif(options)?;
    let file = extended(&bytes, (width, height), &srgb_profile()?, exif.as_deref());
    out.write_all(&file).map_err(Failure::Io)
}

/// An encoder's file with a profile before the picture and EXIF after it (RFC 9649, section 2.7).
fn extended(
    file: &[u8],
    (width, height): (u32, u32),
    profile: &[u8],
    exif: Option<&[u8]>,
) -> Vec<u8> {
    const PROFILE: u8 = 0x20;
    const ALPHA: u8 = 0x10;
    const EXIF: u8 = 0x08;
    const RIFF_HEADER: usize = 12;
    const EXTENDED_HEADER: usize = 18;
    let picture = file.get(RIFF_HEADER..).unwrap_or_default();
    // The encoder begins an extended file itself if there is alpha to write, and only then.
    let (has_alpha, picture) = match picture.split_at_checked(EXTENDED_HEADER) {
        Some((header, picture)) if header.starts_with(b"VP8X") => (true, picture),
        _ => (false, picture),
    };
    let mut header = [0; 10];
    header[0] = PROFILE;
    if has_alpha {
        header[0] |= ALPHA;
    }
    if exif.is_some() {
        header[0] |= EXIF;
    }
    // Three bytes each, of the largest column and row.
    header[4..7].copy_from_slice(&(width - 1).to_le_bytes()[..3]);
    header[7..10].copy_from_slice(&(height - 1).to_le_bytes()[..3]);
    let mut content = b"WEBP".to_vec();
    content.extend(chunk(*b"VP8X", &header));
    content.extend(chunk(*b"ICCP", profile));
    content.extend(picture);
    content.extend(exif.into_iter().flat_map(|exif| chunk(*b"EXIF", exif)));
    chunk(*b"RIFF", &content)
}

/// Four letters, the length, and the content, padded to an even length.
fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    // In range: nothing here is longer than a picture of 16383 x 16383 px.
    let length = (content.len() as u32).to_le_bytes();
    let padding = &[0][..content.len() % 2];
    [&kind[..], &length, content, padding].concat()
}
