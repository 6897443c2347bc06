//! Completion scripts and manual pages, made from the same definitions as `--help`.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;

use crate::cli::args::{Cli, CompletionsArgs, ManArgs};
use crate::cli::listing::Listing;

/// Prints the completion script of a shell.
pub fn completions(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "nst", &mut script);
    print(&script)
}

/// Prints the manual page, or writes all of them to a folder.
pub fn man(args: &ManArgs) -> anyhow::Result<()> {
    args.folder.as_deref().map_or_else(print_page, write_pages)
}

fn print_page() -> anyhow::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    print(&page)
}

fn write_pages(folder: &Path) -> anyhow::Result<()> {
    clap_mangen::generate_to(Cli::command(), folder).with_context(|| {
        format!(
            "{}: the manual pages cannot be written here; is it a folder?",
            folder.display()
        )
    })
}

fn print(text: &[u8]) -> anyhow::Result<()> {
    let printed = Listing::default().write_all(text);
    printed.context("standard output cannot be written to")
}
