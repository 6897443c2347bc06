use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::cli::args::Part;

/// One JSON object on one line of standard output, whole and at once.
pub fn print_json(line: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(print_line(&text)?)
}

/// A line that ends as such, on standard output, whole and at once.
pub fn print_line(line: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(line)?;
    out.flush()
}

/// [`print_json`] of an event of a transfer, with what the transfer is a part of.
pub fn print_event(event: &impl Serialize, part: Option<&Part>) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Line<'a, T> {
        #[serde(flatten)]
        event: &'a T,
        #[serde(flatten)]
        part: Option<&'a Part>,
    }
    print_json(&Line { event, part })
}

/// A path in JSON, whose text is Unicode: what is not is replaced.
pub fn json_path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
