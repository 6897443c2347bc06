use std::fmt::Write as _;
use std::path::Path;

use super::escape::escaped;
use super::html::{img, page};
use super::{Record, Recorder, Report};

/// Longest side of a thumbnail, in pixels.
const THUMBNAIL: usize = 160;

/// How one job of a batch ended.
pub struct Row {
    /// Its place in the list, from 1.
    pub number: usize,
    pub output: String,
    /// In a word or a sentence.
    pub state: String,
    pub failed: bool,
}

/// What the report of a batch is made of.
#[derive(Default)]
pub struct BatchLog {
    rows: Vec<(Row, Option<Record>)>,
}

impl BatchLog {
    /// Records what the report shows of a job.
    pub fn recorder() -> Recorder {
        Recorder::with_side(THUMBNAIL)
    }

    /// Keeps how a job ended, with what was recorded of it.
    pub fn add(&mut self, row: Row, record: Option<Record>) {
        self.rows.push((row, record));
    }

    /// Writes the page: failures first, the rest in the list's order.
    ///
    /// # Errors
    ///
    /// What keeps it from being written.
    pub fn write(mut self, path: &Path, title: &str, overwrite: bool) -> anyhow::Result<()> {
        self.rows.sort_by_key(|(row, _)| (!row.failed, row.number));
        let html = page(title, false, &table(title, &self.rows));
        Report { html }.write(path, overwrite)
    }
}

fn table(title: &str, rows: &[(Row, Option<Record>)]) -> String {
    let failed = rows.iter().filter(|(row, _)| row.failed).count();
    let mut out = format!(
        "<h1>{}</h1>\n<p>{} jobs, {failed} failed.</p>\n<div class=\"wide\" tabindex=\"0\" \
         role=\"region\" aria-label=\"Jobs\"><table class=\"sorts\"><thead><tr>",
        escaped(title),
        rows.len()
    );
    for name in [
        "job", "picture", "file", "state", "size", "steps", "seconds", "network",
    ] {
        let _ = write!(out, "<th scope=\"col\">{name}</th>");
    }
    out.push_str("</tr></thead><tbody>\n");
    for (row, record) in rows {
        let class = if row.failed { " class=\"failed\"" } else { "" };
        let none = Record::default();
        let seen = record.as_ref().unwrap_or(&none);
        let picture = seen.after.as_ref().map(|image| img(image, &row.output));
        let numbers = record.as_ref().map(|record| {
            let (width, height) = record.size;
            let (steps, seconds) = (record.steps, record.seconds);
            [
                format!("{width}x{height}"),
                steps.to_string(),
                format!("{seconds:.1}"),
            ]
        });
        let [size, steps, seconds] = numbers.unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr{class}><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{size}</td><td>{steps}</td>\
             <td>{seconds}</td><td>{}</td></tr>",
            row.number,
            picture.unwrap_or_default(),
            escaped(&row.output),
            escaped(&row.state),
            escaped(&seen.network)
        );
    }
    out.push_str("</tbody></table></div>\n");
    out
}
