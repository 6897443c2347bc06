//! Flags as a command line for people.

use std::ffi::OsStr;

use crate::cli::args::Role;
use crate::cli::flags::Flags;

/// The command line of these flags, quoted for a shell: pictures first, the output last.
///
/// # Errors
///
/// A value that a terminal could not show: one with control characters, or no text.
pub fn quoted(flags: &Flags) -> anyhow::Result<String> {
    let mut sorted: Vec<_> = flags.iter().collect();
    sorted.sort_by_key(|(name, _)| Role::of(name));
    let mut words = vec!["nst".to_owned()];
    for (name, values) in sorted {
        let flag = format!("--{name}");
        if values.is_empty() {
            words.push(flag.clone());
        }
        for value in values {
            let value = word(value)?;
            if value.starts_with('-') {
                words.push(format!("{flag}={value}"));
            } else {
                words.extend([flag.clone(), value.to_owned()]);
            }
        }
    }
    let quoted = words.iter().map(|word| shlex::try_quote(word));
    Ok(quoted.collect::<Result<Vec<_>, _>>()?.join(" "))
}

fn word(value: &OsStr) -> anyhow::Result<&str> {
    value
        .to_str()
        .filter(|text| !text.contains(char::is_control))
        .ok_or_else(|| {
            let shown = value.to_string_lossy();
            let shown = shown.escape_debug();
            anyhow::anyhow!("{shown}: a command with this name in it cannot be printed")
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_command_can_be_given_to_a_shell() {
        let mut flags = Flags::default();
        flags.set("output", &["out.png"]);
        flags.set("beta", &["100"]);
        flags.set::<&str>("offline", &[]);
        flags.set("alpha", &["-1"]);
        flags.set("style", &["it's $HOME.jpg"]);
        flags.set("content", &["a b.jpg"]);
        assert_eq!(
            quoted(&flags).unwrap(),
            "nst --content 'a b.jpg' --style \"it's \"'$HOME.jpg' '--alpha=-1' --beta 100 --offline --output out.png"
        );
        flags.set("style", &["\u{1b}[2J.jpg"]);
        assert!(quoted(&flags).is_err());
    }

    proptest! {
        #[test]
        fn a_shell_reads_every_value_back(value in "[^\\pC]*", other in "[^\\pC]{1,9}") {
            let mut flags = Flags::default();
            flags.set("content", &[&value]);
            flags.set("style", &[&other]);
            let words = shlex::split(&quoted(&flags).unwrap()).unwrap();
            let back = |flag: &str| {
                let prefix = format!("--{flag}=");
                words.iter().zip(words.iter().skip(1).chain([&words[0]])).find_map(|(word, next)| {
                    if word == &format!("--{flag}") {
                        Some(next.clone())
                    } else {
                        word.strip_prefix(&prefix).map(str::to_owned)
                    }
                })
            };
            prop_assert_eq!(back("content"), Some(value));
            prop_assert_eq!(back("style"), Some(other));
        }
    }
}
