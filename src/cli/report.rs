//! What a run says while it looks for weights.

use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use indicatif::ProgressBar;
use nst::weights::{Notice, Report};

use crate::cli::interrupt::Interrupt;
use crate::cli::say;

/// Notices as lines on stderr, and a bar for a download when stderr is a terminal.
#[derive(Debug)]
pub struct Terminal<'a> {
    quiet: bool,
    interrupt: Option<&'a Interrupt>,
    bar: OnceLock<ProgressBar>,
}

impl<'a> Terminal<'a> {
    /// `quiet` silences the download's notices and bar, but not that the built-in network
    /// serves: it changes the picture. An interruption of a download is obeyed at once.
    pub fn new(quiet: bool, interrupt: Option<&'a Interrupt>) -> Self {
        Self {
            quiet,
            interrupt,
            bar: OnceLock::new(),
        }
    }
}

impl Report for Terminal<'_> {
    fn notice(&self, notice: &Notice) {
        if let Some(interrupt) = self.interrupt {
            interrupt.at_once(!matches!(notice, Notice::BuiltIn { .. }));
        }
        if !self.quiet || matches!(notice, Notice::BuiltIn { .. }) {
            say::warn(notice);
        }
    }

    fn progress(&self, done: u64, total: u64) {
        if self.quiet || !io::stderr().is_terminal() {
            return;
        }
        let template = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        let bar = self.bar.get_or_init(|| say::bar(total, template));
        bar.set_position(done);
        if done == total {
            bar.finish_and_clear();
        }
    }
}
