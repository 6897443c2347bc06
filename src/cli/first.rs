//! What those see who run `nst` for the first time, or name a command that there is not.

use std::ffi::OsString;
use std::path::Path;

use clap::CommandFactory;

use crate::cli::args::Cli;

/// Likeness from which a word counts as a mistyped command: clap's own for flags.
const ALIKE: f64 = 0.7;

const GUIDE: &str = "\
nst paints a photo in the style of a painting. For example:

  nst photo.jpg painting.jpg
  nst photo.jpg painting.jpg out.png --size 1024 --strength 0.7
  nst batch --content photos --style paintings --out results

The first one makes photo_painting.png, 512 pixels wide. Where to look next:

  nst doctor    what this machine will use, and how long a picture takes
  nst --help    all flags and commands
  nst man       the manual page";

const NO_PAGE: &str = "nst: this nst was built without its page: build it with `--features studio`";

/// What to say instead of complaining about flags that are missing: to no argument at all, and to
/// a first one that is nearly a command, or would be one in another build.
pub fn answer(arguments: &[OsString]) -> Option<String> {
    match arguments.first() {
        None => Some(GUIDE.to_owned()),
        Some(first) => mistyped(first.to_str()?),
    }
}

fn mistyped(word: &str) -> Option<String> {
    let is_word = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !is_word || word.starts_with('-') || Path::new(word).exists() {
        return None;
    }
    let command = Cli::command();
    if command.find_subcommand(word).is_some() || word == "help" {
        return None;
    }
    // It would have been found in a build that has it.
    if word == "studio" {
        return Some(NO_PAGE.to_owned());
    }
    let commands = command.get_subcommands().filter(|c| !c.is_hide_set());
    let names = commands.flat_map(|c| std::iter::once(c.get_name()).chain(c.get_visible_aliases()));
    let alike = names.map(|name| (strsim::jaro(word, name), name));
    let (likeness, name) = alike.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness > ALIKE)
        .then(|| format!("nst: {word} is no command and no file here; `nst {name}` is a command"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn answer_to(word: &str) -> Option<String> {
        answer(&[word.into()])
    }

    #[test]
    fn every_example_of_the_guide_is_a_command_line() {
        let examples: Vec<_> = GUIDE
            .lines()
            .filter_map(|line| line.strip_prefix("  nst "))
            .map(|line| line.split("  ").next().unwrap_or(line))
            .collect();
        assert_eq!(examples.len(), 6, "{examples:?}");
        for example in examples {
            let words = example.split(' ');
            let parsed = Cli::try_parse_from(std::iter::once("nst").chain(words));
            let helps = |e: &clap::Error| e.kind() == clap::error::ErrorKind::DisplayHelp;
            assert!(parsed.as_ref().map_or_else(helps, |_| true), "{example}");
        }
    }

    #[test]
    fn a_word_like_a_command_brings_the_command() {
        for (word, command) in [
            ("devics", "devices"),
            ("docter", "doctor"),
            ("wieghts", "weights"),
            ("bath", "batch"),
            ("completion", "completions"),
            ("plam", "plan"),
        ] {
            let said = answer_to(word).unwrap_or_default();
            assert!(said.contains(&format!("`nst {command}`")), "{word}: {said}");
        }
    }

    #[test]
    fn the_page_is_a_command_or_the_feature_that_it_lacks_is_named() {
        let expected = cfg!(not(feature = "studio")).then(|| NO_PAGE.to_owned());
        assert_eq!(answer_to("studio"), expected);
    }

    #[test]
    fn commands_flags_files_and_other_words_are_left_to_the_parser() {
        for word in [
            "plan",
            "help",
            "probe-gpu",
            "--size",
            "-",
            "src",
            "planing.jpg",
            "sunset",
        ] {
            assert_eq!(answer_to(word), None, "{word}");
        }
    }
}
