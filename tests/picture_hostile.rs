//! Files that claim to be huge are refused from their header. A process of its own, so that its peak memory is theirs.

use std::fs;
use std::io::Write;
use std::path::Path;

use image::ExtendedColorType;
use image::codecs::{bmp::BmpEncoder, jpeg::JpegEncoder, webp::WebPEncoder};
use nst::picture::{Limits, PictureError, decode_bytes, provenance};
use tiff::encoder::{TiffEncoder, colortype::RGB8};

/// Far below any of the sizes claimed, and room enough for the test program and its fixtures.
const SMALL: u64 = 100 * 1024 * 1024;

/// Refused with the size claimed, without having allocated it.
fn assert_refused(name: &str, bytes: &[u8], claimed: (u32, u32)) {
    let error = decode_bytes(Path::new(name), bytes, &Limits::default()).unwrap_err();
    let PictureError::TooManyPixels { width, height, .. } = error else {
        panic!("{name}: {error}")
    };
    assert_eq!((width, height), claimed, "{name}");
    assert_small(name);
}

fn assert_small(name: &str) {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        eprintln!("memory not checked: this system does not tell the peak of a process");
        return;
    };
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = peak
        .and_then(|kb| kb.split_whitespace().next()?.parse().ok())
        .expect("a number of kB");
    assert!(peak * 1024 < SMALL, "{name}: {peak} kB");
}

/// Writes `value` over the bytes that follow the only place where `before` stands.
fn patch(bytes: &mut [u8], before: &[u8], value: &[u8]) {
    let at = bytes
        .windows(before.len())
        .position(|w| w == before)
        .expect("the header is there")
        + before.len();
    bytes[at..at + value.len()].copy_from_slice(value);
}

#[test]
fn a_png_of_some_bytes_claiming_four_gigapixels_is_refused() {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 65_535, 65_535);
    encoder.set_color(png::ColorType::Rgb);
    drop(encoder.write_header().unwrap());
    // Signature and header only, then an empty first chunk of pixels, up to which decoders read.
    bytes.truncate(33);
    bytes.extend(*b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    assert!(bytes.len() < 100);
    assert_refused("claim.png", &bytes, (65_535, 65_535));
}

#[test]
fn a_png_of_110_kb_inflating_to_900_mb_is_refused() {
    const SIDE: u32 = 30_000;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().unwrap();
    let mut rows = writer.stream_writer().unwrap();
    for _ in 0..SIDE {
        rows.write_all(&[0; SIDE as usize / 8]).unwrap();
    }
    rows.finish().unwrap();
    drop(writer);
    assert!(bytes.len() < 200_000, "{} bytes", bytes.len());
    assert_refused("bomb.png", &bytes, (SIDE, SIDE));
}

#[test]
fn a_png_whose_profile_inflates_without_end_costs_no_memory() {
    let mut bytes = Vec::new();
    let mut info = png::Info::with_size(1, 1);
    info.icc_profile = Some(vec![0; 70 * 1024 * 1024].into());
    let mut writer = png::Encoder::with_info(&mut bytes, info)
        .unwrap()
        .write_header()
        .unwrap();
    writer.write_image_data(&[7]).unwrap();
    writer.finish().unwrap();
    assert!(bytes.len() < 1024 * 1024, "{} bytes", bytes.len());
    // An error or a picture without its profile are both fine.
    if let Ok(picture) = decode_bytes(Path::new("profile.png"), &bytes, &Limits::default()) {
        assert_eq!((picture.width, picture.height), (1, 1));
    }
}

#[test]
fn a_gif_of_some_bytes_claiming_four_gigapixels_is_refused() {
    let mut bytes = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    bytes.extend(*b",\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x44\x01\0;");
    assert!(bytes.len() < 40);
    assert_refused("claim.gif", &bytes, (65_535, 65_535));
}

#[test]
fn a_jpeg_of_some_bytes_claiming_four_gigapixels_is_refused() {
    let mut bytes = Vec::new();
    JpegEncoder::new(&mut bytes)
        .encode(&[9; 3], 1, 1, ExtendedColorType::Rgb8)
        .unwrap();
    patch(&mut bytes, &[0xFF, 0xC0, 0, 17, 8], &[0xFF; 4]);
    assert_refused("claim.jpg", &bytes, (65_535, 65_535));
}

#[test]
fn a_cmyk_jpeg_of_some_bytes_claiming_four_gigapixels_is_refused() {
    let mut bytes = Vec::new();
    jpeg_encoder::Encoder::new(&mut bytes, 90)
        .encode(&[9; 4], 1, 1, jpeg_encoder::ColorType::Cmyk)
        .unwrap();
    patch(&mut bytes, &[0xFF, 0xC0, 0, 20, 8], &[0xFF; 4]);
    assert_refused("claim-cmyk.jpg", &bytes, (65_535, 65_535));
}

#[test]
fn a_bmp_of_some_bytes_claiming_four_gigapixels_is_refused() {
    let mut bytes = Vec::new();
    BmpEncoder::new(&mut bytes)
        .encode(&[9; 3], 1, 1, ExtendedColorType::Rgb8)
        .unwrap();
    patch(
        &mut bytes,
        &40_u32.to_le_bytes(),
        &[0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0],
    );
    assert_refused("claim.bmp", &bytes, (65_535, 65_535));
}

#[test]
fn a_webp_of_some_bytes_claiming_four_gigapixels_is_refused() {
    let mut still = Vec::new();
    WebPEncoder::new_lossless(&mut still)
        .encode(&[9; 3], 1, 1, ExtendedColorType::Rgb8)
        .unwrap();
    let body = [
        &b"WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\0\x5f\xea\0"[..],
        &still[12..],
    ]
    .concat();
    let bytes = [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat();
    assert_refused("claim.webp", &bytes, (65_536, 60_000));
}

#[test]
fn a_tiff_of_some_bytes_claiming_four_gigapixels_is_refused() {
    let mut bytes = std::io::Cursor::new(Vec::new());
    TiffEncoder::new(&mut bytes)
        .unwrap()
        .write_image::<RGB8>(1, 1, &[9; 3])
        .unwrap();
    let mut bytes = bytes.into_inner();
    // Tags 256 and 257, type LONG, one value: the width and the height.
    for tag in [256_u16, 257] {
        let entry = [&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0]].concat();
        patch(&mut bytes, &entry, &65_535_u32.to_le_bytes());
    }
    assert_refused("claim.tif", &bytes, (65_535, 65_535));
}

/// A zlib stream that inflates to 900 MB of zeros: the pixels of a black PNG.
fn zlib_bomb() -> Vec<u8> {
    const SIDE: u32 = 30_000;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().unwrap();
    let mut rows = writer.stream_writer().unwrap();
    let row = vec![0; SIDE as usize];
    for _ in 0..SIDE {
        rows.write_all(&row).unwrap();
    }
    rows.finish().unwrap();
    drop(writer);
    // After the signature and the header: chunks of a length, four letters, the content and a checksum.
    let (mut rest, mut stream) = (&bytes[33..], Vec::new());
    while let Some((length, body)) = rest.split_first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        if body.starts_with(b"IDAT") {
            stream.extend_from_slice(&body[4..4 + length]);
        }
        rest = &body[4 + length + 4..];
    }
    stream
}

fn png_with(kind: png::chunk::ChunkType, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, 1, 1).write_header().unwrap();
    writer.write_chunk(kind, content).unwrap();
    writer.write_image_data(&[7]).unwrap();
    writer.finish().unwrap();
    bytes
}

/// Its provenance cannot be read, and costs no memory.
fn assert_no_provenance(name: &str, file: &Path) {
    assert_eq!(provenance(file), None, "{name}");
    assert_small(name);
}

#[test]
fn a_png_of_a_megabyte_whose_text_inflates_to_900_mb_costs_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.png");
    let bomb = zlib_bomb();
    for (kind, before) in [
        (png::chunk::iTXt, &b"nst:provenance\0\x01\0\0\0"[..]),
        (png::chunk::zTXt, b"nst:provenance\0\0"),
    ] {
        let bytes = png_with(kind, &[before, &bomb].concat());
        assert!(bytes.len() < 2_000_000, "{} bytes", bytes.len());
        fs::write(&path, &bytes).unwrap();
        assert_no_provenance("text", &path);
        decode_bytes(&path, &bytes, &Limits::default()).unwrap();
        assert_small("decoded");
    }
}

#[test]
fn metadata_that_claims_a_gigabyte_costs_no_memory() {
    const LONG: u32 = 1_000_000_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("claim");
    let webp = [b"RIFF\xff\xff\xff\x7fWEBPEXIF", &LONG.to_le_bytes()[..]].concat();
    // One entry: tag 270, type ASCII.
    let entry = [&[14, 1, 2, 0][..], &LONG.to_le_bytes(), &[0, 1, 0, 0]].concat();
    let tiff = [&b"II*\0\x08\0\0\0\x01\0"[..], &entry].concat();
    let text = |kind: &[u8]| {
        let header = png_with(png::chunk::tEXt, b"a\0b")[..33].to_vec();
        [&header, &LONG.to_be_bytes()[..], kind, b"nst:provenance\0"].concat()
    };
    for (name, start) in [
        ("EXIF of a WebP", webp),
        ("description of a TIFF", tiff),
        ("text of a PNG", text(b"iTXt")),
        ("EXIF of a PNG", text(b"eXIf")),
        (
            "no marker in a JPEG",
            b"\xff\xd8\xff\xe0\0\x04\0\0".to_vec(),
        ),
    ] {
        fs::write(&path, start).unwrap();
        // Sparse: takes no space on the disk.
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(1_100_000_000).unwrap();
        assert_no_provenance(name, &path);
    }
}

#[test]
fn an_exif_block_of_nothing_but_ends_of_text_costs_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.webp");
    // As long as one of ours may be, and longer.
    for length in [1_000_000_u32, 100_000_000] {
        // One entry: tag 270, type ASCII, all that follows.
        let count = (length - 26).to_le_bytes();
        let entry = [&[14, 1, 2, 0][..], &count, &[26, 0, 0, 0]].concat();
        let exif = [&b"II*\0\x08\0\0\0\x01\0"[..], &entry].concat();
        let chunk = [&b"EXIF"[..], &length.to_le_bytes(), &exif].concat();
        let riff = [&b"RIFF"[..], &(length + 12).to_le_bytes(), b"WEBP"].concat();
        fs::write(&path, [riff, chunk].concat()).unwrap();
        // Sparse: nothing but NULs, and no space on the disk.
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(u64::from(length) + 20).unwrap();
        assert_no_provenance("NULs", &path);
    }
}
