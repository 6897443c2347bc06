//! The text of a report. Everything that comes from outside goes through [`escaped`].

use std::fmt::Write as _;

use super::escape::escaped;
use super::{Image, Record, svg};
use crate::cli::outputs::UNFINISHED_REPORT;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// A whole page around its body. It may load nothing, from nowhere.
pub fn page(title: &str, unfinished: bool, body: &str) -> String {
    let mark = if unfinished { UNFINISHED_REPORT } else { "" };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">{mark}\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{} – nst</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        escaped(title)
    )
}

/// The body of one run's page.
pub fn run(record: &Record, command: &str) -> String {
    let mut out = format!("<h1>{}</h1>\n", escaped(&record.name));
    if let Some(remark) = &record.remark {
        let _ = writeln!(out, "<p class=\"remark\">{}</p>", escaped(remark));
    }
    out.push_str(&comparison(record));
    out.push_str("<h2>Losses</h2>\n");
    out.push_str(&losses(record));
    out.push_str("<h2>How it was made</h2>\n");
    out.push_str(&facts(record));
    out.push_str(&command_block(command));
    out
}

/// The body of a sweep's page.
pub fn sweep(sweep: &str, records: &[Record], command: &str) -> String {
    let mut out = format!(
        "<h1>Sweep of {}</h1>\n<div class=\"tiles\">\n",
        escaped(sweep)
    );
    for record in records {
        let Some(after) = &record.after else { continue };
        let name = escaped(&record.name);
        let remark = record.remark.as_deref().map(escaped).unwrap_or_default();
        let _ = writeln!(
            out,
            "<figure>{}<figcaption>{name} {remark}</figcaption></figure>",
            img(after, &record.name)
        );
    }
    out.push_str("</div>\n");
    for record in records {
        let _ = writeln!(
            out,
            "<details><summary>{}</summary>\n{}{}</details>",
            escaped(&record.name),
            losses(record),
            facts(record)
        );
    }
    out.push_str(&command_block(command));
    out
}

/// The command line.
fn command_block(command: &str) -> String {
    format!(
        "<h2>The command</h2>\n<pre tabindex=\"0\"><code>{}</code></pre>\n",
        escaped(command)
    )
}

/// An `<img>`.
pub fn img(image: &Image, words: &str) -> String {
    let (width, height) = image.size;
    format!(
        "<img src=\"{}\" width=\"{width}\" height=\"{height}\" alt=\"{}\">",
        image.address(),
        escaped(words)
    )
}

/// Photo and result, which the script lays over each other under a slider, and the paintings.
fn comparison(record: &Record) -> String {
    let mut out = String::from("<div class=\"compare\">\n");
    for (image, words) in [
        (&record.before, "The photo"),
        (&record.after, "The painting made of it"),
    ] {
        if let Some(image) = image {
            let _ = writeln!(
                out,
                "<figure>{}<figcaption>{words}</figcaption></figure>",
                img(image, words)
            );
        }
    }
    out.push_str("</div>\n<div class=\"styles\">\n");
    for image in &record.paintings {
        let words = "A painting whose style was taken";
        let _ = writeln!(out, "{}", img(image, words));
    }
    out.push_str("</div>\n");
    out
}

/// The curves and a table of where they begin and end.
fn losses(record: &Record) -> String {
    if record.losses.is_empty() {
        return "<p>No update was needed.</p>\n".to_owned();
    }
    let mut out = svg(&record.losses);
    out.push_str(
        "\n<table class=\"losses\"><thead><tr><th scope=\"col\">loss</th><th scope=\"col\">first</th>\
         <th scope=\"col\">last</th></tr></thead><tbody>\n",
    );
    for (k, (name, curve)) in record.losses.iter().enumerate() {
        let (first, last) = (curve.first(), curve.last());
        let number = |loss: Option<&f32>| loss.map_or(String::new(), |loss| format!("{loss:.3e}"));
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><span class=\"key c{k}\"></span>{}</th><td>{}</td><td>{}</td></tr>",
            escaped(name),
            number(first),
            number(last)
        );
    }
    out.push_str("</tbody></table>\n");
    out
}

/// Settings, sizes, seconds, device and versions.
fn facts(record: &Record) -> String {
    let scales: Vec<_> = record
        .scales
        .iter()
        .map(|(width, height, steps)| format!("{width}x{height}: {steps} steps"))
        .collect();
    let (width, height) = record.size;
    let mut rows = vec![
        ("Size".to_owned(), format!("{width}x{height} pixels")),
        ("Scales".to_owned(), scales.join(", ")),
        (
            "Time".to_owned(),
            format!("{:.1} s for {} steps", record.seconds, record.steps),
        ),
        ("Network".to_owned(), record.network.clone()),
        ("Computed on".to_owned(), record.backend.clone()),
        ("nst".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let settings = record.settings.iter();
    rows.extend(settings.map(|(name, value)| {
        let value = if value.is_empty() { "on" } else { value };
        (format!("--{name}"), value.to_owned())
    }));
    let notes = record.notes.iter();
    rows.extend(notes.map(|note| ("Note".to_owned(), note.clone())));
    let mut out = String::from("<table class=\"facts\"><tbody>\n");
    for (name, value) in rows {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
            escaped(&name),
            escaped(&value)
        );
    }
    out.push_str("</tbody></table>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_cannot_become_markup() {
        let evil = "<script>alert('1')</script>\"&";
        let record = Record {
            name: evil.into(),
            settings: vec![(evil.into(), evil.into())],
            notes: vec![evil.into()],
            network: evil.into(),
            remark: Some(evil.into()),
            losses: [(evil.to_owned(), vec![1.0])].into(),
            ..Record::default()
        };
        let html = run(&record, evil) + &sweep(evil, std::slice::from_ref(&record), evil);
        assert!(!html.contains("<script>"));
        assert!(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;"));
    }
}
