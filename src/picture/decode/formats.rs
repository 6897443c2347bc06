//! From the bytes of each format to samples, memory reserved first.

use std::io::{self, Cursor};

use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageError, ImageFormat};

use super::{Limits, jpeg, png_colours, profile, tiff_tags, webp};
use crate::picture::{Depth, Note, Picture, unit};

/// A decoded file, upright, before its colours are brought to sRGB.
pub(super) struct Decoded {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<f32>,
    pub alpha: Option<Vec<f32>>,
    pub grey: bool,
    pub depth: Depth,
    pub icc: Option<Vec<u8>>,
}

/// Why a decoder gave up; becomes a `PictureError` once the file's name is added.
#[derive(Debug)]
pub(super) enum Refusal {
    Pixels(u32, u32),
    Memory,
    Cut(u8),
    Unsupported(String),
    Damaged(String),
}

impl From<ImageError> for Refusal {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::Memory,
            ImageError::Unsupported(e) => Self::Unsupported(e.to_string()),
            ImageError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Damaged("it ends too early".to_owned())
            }
            e => Self::Damaged(e.to_string()),
        }
    }
}

/// Decodes, brings the colours to sRGB, and tidies the alpha channel.
pub(super) fn to_picture(
    format: ImageFormat,
    bytes: &[u8],
    limits: Limits,
) -> Result<Picture, Refusal> {
    let mut notes = Vec::new();
    let mut decoded = match format {
        ImageFormat::Jpeg => jpeg::decode(bytes, limits, &mut notes)?,
        _ => from_decoder(open(format, bytes, limits, &mut notes)?, limits)?,
    };
    match format {
        ImageFormat::Gif if has_second_frame(bytes, limits) => notes.push(Note::Animated),
        ImageFormat::Tiff => tiff_tags::apply(bytes, &mut decoded, &mut notes),
        _ => (),
    }
    let icc = decoded.icc.take().map(|icc| profile::parse(&icc));
    let colours = match format {
        ImageFormat::Png => png_colours::of(bytes, icc),
        _ => icc,
    };
    if let Some(colours) = colours {
        notes.extend(profile::to_srgb(&mut decoded.rgb, decoded.grey, colours));
    }
    for v in &mut decoded.rgb {
        *v = unit(*v);
    }
    let mut picture = Picture {
        width: decoded.width as usize,
        height: decoded.height as usize,
        pixels: decoded.rgb,
        alpha: decoded.alpha,
        depth: decoded.depth,
        notes,
    };
    picture.drop_opaque_alpha();
    picture.neutralise_hidden();
    Ok(picture)
}

fn image_limits(limits: Limits) -> image::Limits {
    let mut bounds = image::Limits::no_limits();
    bounds.max_alloc = Some(limits.max_bytes());
    bounds
}

/// A decoder that has read the header only; notes an animation.
fn open<'a>(
    format: ImageFormat,
    bytes: &'a [u8],
    limits: Limits,
    notes: &mut Vec<Note>,
) -> Result<Box<dyn ImageDecoder + 'a>, Refusal> {
    let cursor = Cursor::new(bytes);
    Ok(match format {
        ImageFormat::Png => {
            // What is allocated besides the samples: metadata, which may be a bomb, and a few rows.
            let mut bounds = image_limits(limits);
            bounds.max_alloc = bounds.max_alloc.map(|bytes| bytes.min(64 * 1024 * 1024));
            let decoder = PngDecoder::with_limits(cursor, bounds)?;
            if decoder.is_apng()? {
                notes.push(Note::Animated);
            }
            Box::new(decoder)
        }
        ImageFormat::WebP => {
            webp::check(bytes, limits)?;
            let decoder = WebPDecoder::new(cursor)?;
            if decoder.has_animation() {
                notes.push(Note::Animated);
            }
            Box::new(decoder)
        }
        ImageFormat::Tiff => Box::new(TiffDecoder::new(cursor)?),
        ImageFormat::Bmp => Box::new(BmpDecoder::new(cursor)?),
        _ => Box::new(GifDecoder::new(cursor)?),
    })
}

/// Refuses a size that is 0, over the limit, or whose samples would not fit the memory allowed.
pub(super) fn check_size(
    (width, height): (u32, u32),
    total_bytes: u64,
    limits: Limits,
) -> Result<(), Refusal> {
    if width == 0 || height == 0 {
        return Err(Refusal::Damaged("it has no pixels".to_owned()));
    }
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(Refusal::Pixels(width, height));
    }
    image_limits(limits).reserve(total_bytes)?;
    Ok(())
}

/// Decodes what `open` opened, after reserving the memory for it, and turns it upright.
pub(super) fn from_decoder(
    mut decoder: impl ImageDecoder,
    limits: Limits,
) -> Result<Decoded, Refusal> {
    let total_bytes = decoder.total_bytes();
    check_size(decoder.dimensions(), total_bytes, limits)?;
    // Metadata that cannot be read costs the picture nothing. It comes before the limits are set, because the TIFF
    // decoder holds it to what the pixels take: a small picture would lose its profile.
    let icc = decoder.icc_profile().ok().flatten();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut bounds = image_limits(limits);
    bounds.reserve(total_bytes)?;
    decoder.set_limits(bounds)?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(to_samples(image, icc))
}

fn to_samples(image: DynamicImage, icc: Option<Vec<u8>>) -> Decoded {
    let (width, height, color) = (image.width(), image.height(), image.color());
    let (rgb, alpha) = if color.has_alpha() {
        let rgba = image.into_rgba32f().into_raw();
        let rgba = rgba.as_chunks::<4>().0;
        let alpha = rgba.iter().map(|p| unit(p[3])).collect();
        let rgb = rgba.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
        (rgb, Some(alpha))
    } else {
        (image.into_rgb32f().into_raw(), None)
    };
    let bits = 8 * color.bytes_per_pixel() / color.channel_count();
    Decoded {
        width,
        height,
        rgb,
        alpha,
        grey: !color.has_color(),
        depth: if bits > 8 {
            Depth::Sixteen
        } else {
            Depth::Eight
        },
        icc,
    }
}

fn has_second_frame(bytes: &[u8], limits: Limits) -> bool {
    GifDecoder::new(Cursor::new(bytes)).is_ok_and(|mut decoder| {
        decoder.set_limits(image_limits(limits)).is_ok()
            && matches!(decoder.into_frames().nth(1), Some(Ok(_)))
    })
}
