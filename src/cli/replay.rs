//! `nst replay`: from a picture back to the command that made it, and to the picture again.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nst::vgg::Model;
use nst::weights::{Choice, Places, WeightsError, built_in_sha256, sha256};

use crate::cli::args::{ReplayArgs, Transfer};
use crate::cli::fault::{Usage, describe};
use crate::cli::flags::Flags;
use crate::cli::listing::Listing;
use crate::cli::provenance::{Provenance, WeightsRecord};
use crate::cli::{command_line, inputs, paint, say, sweep};

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
    let (mut transfer, flags) = asked(args, &provenance)?;
    let named = recorded(picture, &provenance, &transfer, &flags)?;
    let command = command_line::quoted(&flags)?;
    if !transfer
        .pictures
        .output
        .as_deref()
        .is_some_and(inputs::is_pipe)
    {
        writeln!(Listing::default(), "{command}")?;
    }
    if !args.quiet {
        remarks(&provenance);
    }
    let (faults, choice) = compare(&named, &provenance.weights, &transfer);
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
    match &transfer.output.sweep {
        Some(sweep) => sweep::run(sweep, &transfer, &flags),
        None => paint::run(&transfer, &flags),
    }
}

/// The transfer that a record asks for. It may come from anybody: nothing in it says where to write.
fn asked(args: &ReplayArgs, provenance: &Provenance) -> anyhow::Result<(Transfer, Flags)> {
    let picture = args.picture.display();
    let here = env!("CARGO_PKG_VERSION");
    let version = &provenance.nst;
    let mut flags = provenance.flags().map_err(|name| {
        anyhow::anyhow!(
            "{picture}: its record has `{name}` among the flags, which changes no picture in this \
             nst {here}: it was made by nst {version}, or somebody has changed it, so nothing is \
             made of it"
        )
    })?;
    flags.set("output", &[args.output.as_ref().unwrap_or(&args.picture)]);
    let parsed = flags.parse().map_err(|fault| {
        Usage(format!(
            "{picture}: this is nst {here}, which does not take the command of nst {version}: {fault}"
        ))
    });
    Ok(parsed?)
}

/// Every picture that the flags name, with the digest that the record has of it.
fn recorded<'a>(
    picture: &Path,
    provenance: &'a Provenance,
    transfer: &Transfer,
    flags: &Flags,
) -> anyhow::Result<Vec<(PathBuf, &'a str)>> {
    let mut named = inputs::pictures(transfer)?;
    for (_, variant) in sweep::variants_of(transfer, flags)? {
        named.extend(inputs::pictures(&variant.parse().map_err(Usage)?.0)?);
    }
    named.sort();
    named.dedup();
    let digest = |path: PathBuf| match provenance.inputs.get(&*path.to_string_lossy()) {
        Some(digest) => Ok((path, digest.as_str())),
        None => Err(anyhow::anyhow!(
            "{}: its record names {} without a digest, so nobody can tell whether it is the same \
             picture; nothing is made of it",
            picture.display(),
            path.display()
        )),
    };
    named.into_iter().map(digest).collect()
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
fn compare(
    named: &[(PathBuf, &str)],
    record: &WeightsRecord,
    transfer: &Transfer,
) -> (Vec<(String, Fault)>, Option<Choice>) {
    let fault = |(path, digest): &(PathBuf, &str)| {
        Some((path.to_string_lossy().into_owned(), changed(path, digest)?))
    };
    let mut faults: Vec<_> = named.iter().filter_map(fault).collect();
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
