use std::io::{self, Write};

use serde::Serialize;

/// One JSON object on one line of standard output, at once.
pub fn print_json(line: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, line)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}
