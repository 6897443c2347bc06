//! PNG, a row at a time: a print is too large to be held twice.

use std::io::{self, Write};

use super::EncodeOptions;
use super::formats::{Failure, rows, sixteen_bit};
use crate::picture::{Depth, Picture, eight_bit, provenance};

pub(super) fn write(
    out: impl Write,
    size: (u32, u32),
    picture: &Picture,
    options: &EncodeOptions,
) -> Result<(), Failure> {
    let mut keeping = Keeping { out, error: None };
    let written = write_rows(&mut keeping, size, picture, options);
    written.map_err(|failure| match keeping.error {
        Some(code) => Failure::Io(io::Error::from_raw_os_error(code)),
        None => failure,
    })
}

fn write_rows(
    out: impl Write,
    (width, height): (u32, u32),
    picture: &Picture,
    options: &EncodeOptions,
) -> Result<(), Failure> {
    let mut encoder = ::png::Encoder::new(out, width, height);
    encoder.set_color(match picture.alpha {
        Some(_) => ::png::ColorType::Rgba,
        None => ::png::ColorType::Rgb,
    });
    encoder.set_depth(match options.depth {
        Depth::Eight => ::png::BitDepth::Eight,
        Depth::Sixteen => ::png::BitDepth::Sixteen,
    });
    encoder.set_source_srgb(::png::SrgbRenderingIntent::Perceptual);
    if let Some(text) = &options.provenance {
        encoder.add_itxt_chunk(provenance::KEY.to_owned(), text.clone())?;
    }
    let mut writer = encoder.write_header()?;
    let mut stream = writer.stream_writer()?;
    for row in rows(picture) {
        match options.depth {
            Depth::Eight => stream.write_all(&eight_bit(&row))?,
            Depth::Sixteen => {
                let samples = sixteen_bit(&row).into_iter().map(u16::to_be);
                stream.write_all(bytemuck::cast_slice(&samples.collect::<Vec<_>>()))?;
            }
        }
    }
    stream.finish()?;
    Ok(writer.finish()?)
}

/// Keeps the system's own error of what it writes to, which the PNG stream turns into a text.
struct Keeping<W> {
    out: W,
    error: Option<i32>,
}

impl<W: Write> Keeping<W> {
    fn kept<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            self.error = self.error.or(error.raw_os_error());
        }
        result
    }
}

impl<W: Write> Write for Keeping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.kept(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.kept(flushed)
    }
}
