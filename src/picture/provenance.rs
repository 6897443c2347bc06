//! The text that says how a picture was made, carried in the picture's own metadata.

use std::fs::File;
use std::io::{BufReader, Cursor};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use exif::experimental::Writer;
use exif::{Field, In, Tag, Value};

use super::Limits;

/// The PNG text keyword, and the first word of the EXIF description, that mark the text as ours.
pub(super) const KEY: &str = "nst:provenance";

/// An EXIF block whose image description is the text.
pub(super) fn to_exif(text: &str) -> Result<Vec<u8>, exif::Error> {
    let description = Field {
        tag: Tag::ImageDescription,
        ifd_num: In::PRIMARY,
        value: Value::Ascii(vec![format!("{KEY} {text}").into_bytes()]),
    };
    let mut writer = Writer::new();
    writer.push_field(&description);
    let mut block = Cursor::new(Vec::new());
    writer.write(&mut block, false)?;
    Ok(block.into_inner())
}

/// The provenance that [`super::encode()`] wrote into a picture file; none if there is none or it cannot be read.
pub fn provenance(path: &Path) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    // The EXIF reader holds a TIFF in memory as a whole; nothing longer can be decoded either.
    if !metadata.is_file() || metadata.len() > Limits::default().max_bytes() {
        return None;
    }
    // As in decoding: a parser that panics on a hostile file must not take the program with it.
    catch_unwind(AssertUnwindSafe(|| {
        from_png(path).or_else(|| from_exif(path))
    }))
    .ok()?
}

fn from_png(path: &Path) -> Option<String> {
    let file = BufReader::new(File::open(path).ok()?);
    let reader = png::Decoder::new(file).read_info().ok()?;
    let text = reader.info().utf8_text.iter().find(|t| t.keyword == KEY)?;
    text.get_text().ok()
}

fn from_exif(path: &Path) -> Option<String> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let exif = exif::Reader::new().read_from_container(&mut file).ok()?;
    let Value::Ascii(parts) = &exif.get_field(Tag::ImageDescription, In::PRIMARY)?.value else {
        return None;
    };
    let text = String::from_utf8(parts.first()?.clone()).ok()?;
    Some(text.strip_prefix(KEY)?.strip_prefix(' ')?.to_owned())
}
