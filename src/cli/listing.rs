use std::io::{self, Write};

/// Standard output for what is printed to be read: a reader that has seen enough (`| head`) is no
/// failure.
#[derive(Debug, Default)]
pub struct Listing {
    reader_is_gone: bool,
}

impl Listing {
    fn unless_gone<T>(&mut self, result: io::Result<T>, otherwise: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.reader_is_gone = true;
                Ok(otherwise)
            }
            result => result,
        }
    }
}

impl Write for Listing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.reader_is_gone {
            return Ok(bytes.len());
        }
        let written = io::stdout().write(bytes);
        self.unless_gone(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.reader_is_gone {
            return Ok(());
        }
        let flushed = io::stdout().flush();
        self.unless_gone(flushed, ())
    }
}
