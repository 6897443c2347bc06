//! Checks the WebP decoder lacks: it allocates what a metadata chunk or an inner frame claims before looking further.

use super::Limits;
use super::formats::{Refusal, check_size};

const METADATA: [&[u8; 4]; 3] = [b"ICCP", b"EXIF", b"XMP "];

/// Refuses a file in which a metadata chunk claims more bytes than are there, or a frame more pixels than allowed.
pub(super) fn check(bytes: &[u8], limits: Limits) -> Result<(), Refusal> {
    const RIFF_HEADER: usize = 12;
    check_chunks(bytes.get(RIFF_HEADER..).unwrap_or_default(), limits)
}

/// Chunks as in RFC 9649: four letters, a 32-bit length, the content, and a byte of padding after an odd length.
fn check_chunks(mut rest: &[u8], limits: Limits) -> Result<(), Refusal> {
    while let Some(([kind @ .., a, b, c, d], body)) = rest.split_first_chunk::<8>() {
        let size = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        if body.len() < size && METADATA.contains(&kind) {
            return Err(Refusal::Damaged(
                "its metadata claims more bytes than the file has".to_owned(),
            ));
        }
        let content = body.get(..size).unwrap_or(body);
        match kind {
            // An animation's frame holds chunks of its own after a 16-byte header.
            b"ANMF" => check_chunks(content.get(16..).unwrap_or_default(), limits)?,
            b"VP8 " => check_frame(content, limits)?,
            _ => (),
        }
        rest = body
            .get(size.saturating_add(size % 2)..)
            .unwrap_or_default();
    }
    Ok(())
}

/// The size in a VP8 key frame's header (RFC 6386, section 9.1) is 14 bits each, after three bytes and a start code.
fn check_frame(content: &[u8], limits: Limits) -> Result<(), Refusal> {
    let Some(&[w0, w1, h0, h1]) = content.get(6..10).and_then(|size| size.as_array()) else {
        return Ok(());
    };
    let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3FFF);
    check_size((side([w0, w1]), side([h0, h1])), 0, limits)
}
