//! What a run says while it looks for weights.

use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use indicatif::{ProgressBar, ProgressStyle};
use nst::weights::{Notice, Report};

/// Notices as lines on stderr, and a bar for a download when stderr is a terminal.
#[derive(Debug)]
pub struct Terminal {
    quiet: bool,
    bar: OnceLock<ProgressBar>,
}

impl Terminal {
    /// `quiet` silences the download's notices and bar, but not that the built-in network
    /// serves: it changes the picture.
    pub fn new(quiet: bool) -> Self {
        Self {
            quiet,
            bar: OnceLock::new(),
        }
    }
}

impl Report for Terminal {
    fn notice(&self, notice: &Notice) {
        if self.quiet && !matches!(notice, Notice::BuiltIn { .. }) {
            return;
        }
        match self.bar.get() {
            Some(bar) => bar.suspend(|| eprintln!("nst: {notice}")),
            None => eprintln!("nst: {notice}"),
        }
    }

    fn progress(&self, done: u64, total: u64) {
        if self.quiet || !io::stderr().is_terminal() {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            let style = ProgressStyle::with_template(
                "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            );
            ProgressBar::new(total)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_position(done);
        if done == total {
            bar.finish_and_clear();
        }
    }
}
