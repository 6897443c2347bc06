//! Everything that is said on standard error. Nobody may listen any more: a closed terminal or a
//! full disk is no reason to lose a picture, so a failure to write is no failure.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

/// The bar that is on the screen, which a line must not run into.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Says one line.
pub fn line(text: impl Display) {
    // In one piece, so that lines of several processes do not mix.
    let text = format!("{text}\n");
    let write = || drop(io::stderr().write_all(text.as_bytes()));
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar.filter(|bar| !bar.is_finished()) {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Says something good to know.
pub fn note(text: impl Display) {
    line(format_args!("note: {text}"));
}

/// Says something that is wrong, or that must be known.
pub fn warn(text: impl Display) {
    line(format_args!("nst: {text}"));
}

/// Begins a bar on the screen; lines are said above it until it is finished.
pub fn bar(length: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(length).with_style(style);
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
    bar
}
