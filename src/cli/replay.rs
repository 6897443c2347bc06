//! `nst replay`: from a picture back to the command that made it, and to the picture again.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use nst::vgg::Model;
use nst::weights::{Choice, Places, WeightsError, built_in_sha256, sha256};

use crate::cli::args::ReplayArgs;
use crate::cli::args::Transfer;
use crate::cli::fault::{Usage, describe};
use crate::cli::flags::Flags;
use crate::cli::paint;
use crate::cli::provenance::{Provenance, WeightsRecord};
use crate::cli::say;

/// Prints the command on standard output and what has changed on standard error; makes the picture
/// again if asked to.
pub fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let picture = &args.picture;
    std::fs::metadata(picture)
        .map_err(|error| anyhow::anyhow!("{}: cannot be read: {error}", picture.display()))?;
    let Some(provenance) = Provenance::read(picture)? else {
        anyhow::bail!(
            "{}: says nothing of how it was made: nst did not paint it, or with --no-provenance, \
             or another program has saved it since",
            picture.display()
        );
    };
    let mut flags = provenance.flags();
    flags.set("output", &[args.output.as_ref().unwrap_or(picture)]);
    writeln!(io::stdout(), "{}", command(&flags)?)?;
    let parsed = flags.parse();
    let (mut transfer, flags) = parsed.map_err(|fault| {
        Usage(format!(
            "{}: this is nst {}, which does not take the command of nst {}: {fault}",
            picture.display(),
            env!("CARGO_PKG_VERSION"),
            provenance.nst
        ))
    })?;
    if !args.quiet {
        remarks(&provenance);
    }
    let (faults, choice) = compare(&provenance, &transfer);
    for (name, fault) in &faults {
        say::warn(format_args!("{name}: {fault}"));
    }
    if !args.run {
        return Ok(ExitCode::from(u8::from(!faults.is_empty())));
    }
    if !faults.is_empty() {
        anyhow::bail!(
            "{}: cannot be made again; run the command itself to paint with what there is now",
            picture.display()
        );
    }
    transfer.style.weights = choice;
    transfer.output.overwrite = args.overwrite;
    transfer.output.quiet = args.quiet;
    paint::run(&transfer, &flags)
}

/// What does not keep the picture from being made again, but should be known.
fn remarks(provenance: &Provenance) {
    let here = env!("CARGO_PKG_VERSION");
    if provenance.nst != here {
        let version = &provenance.nst;
        say::note(format_args!(
            "made by nst {version}; this is {here}, which may paint another picture"
        ));
    }
    if let Some(step) = provenance.stopped_after {
        say::note(format_args!(
            "saved after step {step}, before the last one; the command paints on to the end"
        ));
    }
}

/// Why something is not as it was.
#[derive(Debug)]
enum Fault {
    Missing,
    Changed,
    NotHere(WeightsRecord),
    Unreadable(anyhow::Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(
                "is not here; names are as given, so this may be another folder than then",
            ),
            Self::Changed => f.write_str("has changed since"),
            Self::NotHere(weights) => {
                write!(f, "these weights are not here: SHA-256 {}", weights.sha256)?;
                match &weights.source {
                    Some(source) => write!(f, ", from {source}"),
                    None => Ok(()),
                }
            }
            Self::Unreadable(error) => f.write_str(&describe(error)),
        }
    }
}

/// Everything that is not as it was, by name, and the weights that are.
fn compare(provenance: &Provenance, transfer: &Transfer) -> (Vec<(String, Fault)>, Option<Choice>) {
    let inputs = provenance.inputs.iter();
    let mut faults: Vec<_> = inputs
        .filter_map(|(name, digest)| Some((name.clone(), changed(Path::new(name), digest)?)))
        .collect();
    let record = &provenance.weights;
    let choice = match same_weights(record, transfer) {
        Ok(Some(choice)) => Some(choice),
        Ok(None) => {
            faults.push((record.name.clone(), Fault::NotHere(record.clone())));
            None
        }
        Err(error) => {
            faults.push((record.name.clone(), Fault::Unreadable(error.into())));
            None
        }
    };
    (faults, choice)
}

fn changed(path: &Path, digest: &str) -> Option<Fault> {
    // The name may come from a stranger: a pipe or device would never end.
    if !path.is_file() {
        return Some(Fault::Missing);
    }
    match sha256(path) {
        Ok(found) if found == digest => None,
        Ok(_) => Some(Fault::Changed),
        Err(error) => Some(Fault::Unreadable(error.into())),
    }
}

/// The weights with this digest among those that the transfer could use.
fn same_weights(
    record: &WeightsRecord,
    transfer: &Transfer,
) -> Result<Option<Choice>, WeightsError> {
    let model: Model = transfer.style.model;
    let file = match &transfer.style.weights {
        Some(Choice::File(path)) => Some(path.clone()),
        _ => Places::of_this_process().file(model)?,
    };
    if let Some(path) = file.filter(|path| path.is_file())
        && sha256(&path)? == record.sha256
    {
        return Ok(Some(Choice::File(path)));
    }
    let built_in = built_in_sha256(model).filter(|digest| *digest == record.sha256);
    Ok(built_in.map(|_| Choice::BuiltIn))
}

/// The command line of these flags, quoted for a shell: pictures first, the output last.
fn command(flags: &Flags) -> anyhow::Result<String> {
    let place = |name: &str| match name {
        "content" => 0,
        "style" => 1,
        "output" => 3,
        _ => 2,
    };
    let mut sorted: Vec<_> = flags.iter().collect();
    sorted.sort_by_key(|(name, _)| place(name));
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
            command(&flags).unwrap(),
            "nst --content 'a b.jpg' --style \"it's \"'$HOME.jpg' '--alpha=-1' --beta 100 --offline --output out.png"
        );
        flags.set("style", &["\u{1b}[2J.jpg"]);
        assert!(command(&flags).is_err());
    }

    proptest! {
        #[test]
        fn a_shell_reads_every_value_back(value in "[^\\pC]*", other in "[^\\pC]{1,9}") {
            let mut flags = Flags::default();
            flags.set("content", &[&value]);
            flags.set("style", &[&other]);
            let words = shlex::split(&command(&flags).unwrap()).unwrap();
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
