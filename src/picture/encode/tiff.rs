//! TIFF, a strip of rows at a time: a print is too large to be held twice.

use std::borrow::Cow;
use std::io::{Seek, Write};

use ::tiff::TiffResult;
use ::tiff::encoder::colortype::{ColorType, RGB8, RGB16, RGBA8, RGBA16};
use ::tiff::encoder::{DirectoryEncoder, TiffEncoder, TiffKindStandard, TiffValue};
use ::tiff::tags::{CompressionMethod, ExtraSamples, Predictor, Tag, Type};
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::EncodeOptions;
use super::formats::{Failure, rows, sixteen_bit, srgb_profile};
use crate::picture::{Depth, Picture, eight_bit, provenance};

/// Bytes of a strip before it is compressed, unless a row has more.
const STRIP: usize = 1 << 20;

pub(super) fn write(
    out: impl Write + Seek,
    picture: &Picture,
    options: &EncodeOptions,
) -> Result<(), Failure> {
    match (options.depth, &picture.alpha) {
        (Depth::Eight, None) => write_as::<RGB8>(out, picture, options, eight_bit),
        (Depth::Eight, Some(_)) => write_as::<RGBA8>(out, picture, options, eight_bit),
        (Depth::Sixteen, None) => write_as::<RGB16>(out, picture, options, sixteen_bit),
        (Depth::Sixteen, Some(_)) => write_as::<RGBA16>(out, picture, options, sixteen_bit),
    }
}

fn write_as<C: ColorType>(
    out: impl Write + Seek,
    picture: &Picture,
    options: &EncodeOptions,
    samples: fn(&[f32]) -> Vec<C::Inner>,
) -> Result<(), Failure>
where
    [C::Inner]: TiffValue,
{
    let mut file = TiffEncoder::new(out)?;
    let mut directory = file.image_directory()?;
    let row_samples = picture.width * C::BITS_PER_SAMPLE.len();
    let row_bytes = row_samples * size_of::<C::Inner>();
    let strip_rows = (STRIP / row_bytes).clamp(1, picture.height);
    let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
    let mut rows = rows(picture).peekable();
    while rows.peek().is_some() {
        // Of a vector that would have to grow, the crate leaves out what does not fit.
        let mut differences = Vec::with_capacity(strip_rows * row_samples);
        for row in rows.by_ref().take(strip_rows) {
            C::horizontal_predict(&samples(&row), &mut differences);
        }
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&differences.data())?;
        let packed = packed.finish()?;
        let offset = directory.write_data(packed.as_slice())?;
        offsets.push(four_bytes(offset)?);
        lengths.push(four_bytes(packed.len() as u64)?);
    }
    directory.write_tag(Tag::RowsPerStrip, strip_rows as u32)?;
    directory.write_tag(Tag::StripOffsets, offsets.as_slice())?;
    directory.write_tag(Tag::StripByteCounts, lengths.as_slice())?;
    describe::<C>(&mut directory, picture)?;
    directory.write_tag(Tag::IccProfile, srgb_profile()?.as_slice())?;
    if let Some(text) = &options.provenance {
        let text = Text(format!("{} {text}\0", provenance::KEY));
        directory.write_tag(Tag::ImageDescription, text)?;
    }
    Ok(directory.finish()?)
}

/// How the strips are to be read.
fn describe<C: ColorType>(
    directory: &mut DirectoryEncoder<'_, impl Write + Seek, TiffKindStandard>,
    picture: &Picture,
) -> TiffResult<()> {
    // In range: `OutputFormat::check_size` stays under 2^31.
    directory.write_tag(Tag::ImageWidth, picture.width as u32)?;
    directory.write_tag(Tag::ImageLength, picture.height as u32)?;
    directory.write_tag(Tag::Compression, CompressionMethod::Deflate.to_u16())?;
    directory.write_tag(Tag::Predictor, Predictor::Horizontal.to_u16())?;
    directory.write_tag(Tag::PhotometricInterpretation, C::TIFF_VALUE.to_u16())?;
    let samples = C::BITS_PER_SAMPLE.len();
    directory.write_tag(Tag::SamplesPerPixel, samples as u16)?;
    directory.write_tag(Tag::BitsPerSample, C::BITS_PER_SAMPLE)?;
    if picture.alpha.is_some() {
        let alpha = [ExtraSamples::UnassociatedAlpha.to_u16()];
        directory.write_tag(Tag::ExtraSamples, &alpha[..])?;
    }
    Ok(())
}

/// A number as this kind of TIFF has them.
fn four_bytes(number: u64) -> Result<u32, Failure> {
    u32::try_from(number).map_err(|_| Failure::Encoder("it would be larger than 4 GiB".into()))
}

/// A NUL-terminated UTF-8 string in an ASCII field, as other programs write it; the crate's own takes ASCII only.
struct Text(String);

impl TiffValue for Text {
    const BYTE_LEN: u8 = 1;
    const FIELD_TYPE: Type = Type::ASCII;

    fn count(&self) -> usize {
        self.0.len()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.0.as_bytes())
    }
}
