//! The text that says how a picture was made, carried in the picture's own metadata.

mod containers;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use exif::experimental::Writer;
use exif::{Exif, Field, In, Tag, Value};
use image::ImageFormat;

use super::Limits;

/// The PNG text keyword, and the first word of the EXIF description, that mark the text as ours.
pub(super) const KEY: &str = "nst:provenance";

/// Bytes of the longest text that is written or read back: what describes a run takes a few thousand, and a file that
/// claims more may be made to fill the memory.
pub(super) const LONGEST: usize = 1 << 20;

/// Bytes of the longest block that may hold it: the text, and a thumbnail and the like that others add.
const ROOM: usize = LONGEST + (1 << 16);

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
///
/// The file may be anybody's: whatever it claims, no more than some megabytes of it are held.
pub fn provenance(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    // Opening a pipe would wait for a writer, and nothing longer than this can be decoded either.
    if !metadata.is_file() || metadata.len() > Limits::default().max_bytes() {
        return None;
    }
    let file = BufReader::new(File::open(path).ok()?);
    // As in decoding: a parser that panics on a hostile file must not take the program with it.
    let text = catch_unwind(AssertUnwindSafe(|| read(file))).ok()??;
    (text.len() <= LONGEST).then_some(text)
}

fn read(mut file: BufReader<File>) -> Option<String> {
    match image::guess_format(file.fill_buf().ok()?).ok()? {
        ImageFormat::Png => from_png(file),
        ImageFormat::Jpeg => from_jpeg(file),
        ImageFormat::WebP => from_exif(containers::exif_of_webp(&mut file)?),
        ImageFormat::Tiff => marked(&containers::description_of_tiff(&mut file)?),
        _ => None,
    }
}

fn from_png(file: impl BufRead + Seek) -> Option<String> {
    // For every block up to the pixels and for one row of these.
    let limits = png::Limits { bytes: 8 * ROOM };
    let mut decoder = png::Decoder::new_with_limits(file, limits);
    decoder.set_ignore_iccp_chunk(true);
    let reader = decoder.read_info().ok()?;
    let info = reader.info();
    if let Some(text) = info.utf8_text.iter().find(|t| t.keyword == KEY) {
        let mut text = text.clone();
        text.decompress_text_with_limit(LONGEST).ok()?;
        return text.get_text().ok();
    }
    // Programs that convert one of our other formats to PNG keep its EXIF block.
    from_exif(info.exif_metadata.as_ref()?.to_vec())
}

fn from_jpeg(file: impl Read) -> Option<String> {
    let mut start = Vec::new();
    // EXIF is the first or second segment.
    file.take(LONGEST as u64).read_to_end(&mut start).ok()?;
    let exif = exif::Reader::new().read_from_container(&mut Cursor::new(start));
    described(&exif.ok()?)
}

fn from_exif(block: Vec<u8>) -> Option<String> {
    // The parser takes some 25 bytes for each byte of a text of NULs.
    if block.len() > ROOM {
        return None;
    }
    described(&exif::Reader::new().read_raw(block).ok()?)
}

fn described(exif: &Exif) -> Option<String> {
    match &exif.get_field(Tag::ImageDescription, In::PRIMARY)?.value {
        Value::Ascii(parts) => marked(parts.first()?),
        _ => None,
    }
}

/// The text of an image description, if it is marked as ours.
fn marked(description: &[u8]) -> Option<String> {
    let text = str::from_utf8(description).ok()?;
    Some(text.strip_prefix(KEY)?.strip_prefix(' ')?.to_owned())
}
