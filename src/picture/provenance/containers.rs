//! Where a WebP and a TIFF hold the text, found without reading their samples, which may come first.

use std::io::{Read, Seek, SeekFrom};

use super::ROOM;

/// The EXIF chunk of a WebP (RFC 9649: chunks of four letters, a 32-bit length and the content, padded to an even
/// length, after a header of twelve bytes).
pub(super) fn exif_of_webp(file: &mut (impl Read + Seek)) -> Option<Vec<u8>> {
    // Ours has five at most; only an animation, which is not ours, has many more.
    const MOST_CHUNKS: usize = 100;
    file.seek(SeekFrom::Start(12)).ok()?;
    for _ in 0..MOST_CHUNKS {
        let [kind @ .., a, b, c, d] = array::<8>(file)?;
        let length = u32::from_le_bytes([a, b, c, d]);
        if &kind == b"EXIF" {
            return content(file, length);
        }
        let length = i64::from(length);
        file.seek_relative(length + length % 2).ok()?;
    }
    None
}

/// The image description in the first directory of a TIFF (TIFF 6.0, section 2), up to the NUL that ends it.
pub(super) fn description_of_tiff(file: &mut (impl Read + Seek)) -> Option<Vec<u8>> {
    const IMAGE_DESCRIPTION: u16 = 270;
    const ASCII: u16 = 2;
    let little = match &array(file)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = if little {
        u16::from_le_bytes
    } else {
        u16::from_be_bytes
    };
    let long = if little {
        u32::from_le_bytes
    } else {
        u32::from_be_bytes
    };
    let directory = long(array(file)?);
    file.seek(SeekFrom::Start(directory.into())).ok()?;
    for _ in 0..short(array(file)?) {
        let (tag, kind) = (short(array(file)?), short(array(file)?));
        let (length, at) = (long(array(file)?), long(array(file)?));
        if (tag, kind) == (IMAGE_DESCRIPTION, ASCII) {
            file.seek(SeekFrom::Start(at.into())).ok()?;
            let mut text = content(file, length)?;
            let end = text.iter().position(|&b| b == 0).unwrap_or(text.len());
            text.truncate(end);
            return Some(text);
        }
    }
    None
}

fn array<const N: usize>(file: &mut impl Read) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// So many bytes, unless that is more than any text of ours takes or the file has fewer.
fn content(file: &mut impl Read, length: u32) -> Option<Vec<u8>> {
    let length = usize::try_from(length).ok().filter(|&n| n <= ROOM)?;
    let mut bytes = Vec::new();
    file.take(length as u64).read_to_end(&mut bytes).ok()?;
    (bytes.len() == length).then_some(bytes)
}
