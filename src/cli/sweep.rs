//! `--sweep`: one flag, several values, one contact sheet.

use std::process::ExitCode;

use nst::picture::{self, Limits};
use tempfile::TempDir;

use crate::cli::args::Transfer;
use crate::cli::fault::Usage;
use crate::cli::flags::Flags;
use crate::cli::networks::Networks;
use crate::cli::observers::Interrupt;
use crate::cli::output::Target;
use crate::cli::paint::{self, paint, set_threads};
use crate::cli::say;

/// Long side of each result, in pixels, unless `--size` or `--area` is given.
const SIZE: &str = "256";
/// Flags of the whole sheet, not of its pictures.
const OF_SHEET: [&str; 7] = [
    "sweep",
    "output",
    "save-every",
    "frames",
    "timelapse",
    "checkpoint",
    "resume",
];

/// Paints a small result for each value and puts them on a sheet with captions.
pub fn run(sweep: &str, args: &Transfer, flags: &Flags) -> anyhow::Result<ExitCode> {
    paint::check(args)?;
    let variants = variants(sweep, flags)?;
    let target = Target::new(args, args.output.overwrite)?;
    let interrupt = Interrupt::listen()?;
    set_threads(args)?;
    let folder = TempDir::new()?;
    let mut networks = Networks::default();
    let mut tiles = Vec::new();
    for (k, (caption, flags)) in variants.into_iter().enumerate() {
        let path = folder.path().join(format!("{k}.png"));
        let (mut transfer, flags) = flags.parse().map_err(Usage)?;
        transfer.pictures.output = Some(path.clone());
        if !args.output.quiet {
            say::line(&caption);
        }
        let tile = Target::new(&transfer, false)?;
        paint(&transfer, &flags, tile, &mut networks, &interrupt)?;
        tiles.push((picture::decode(&path, &Limits::default())?, caption));
        if interrupt.exit_code().is_some() {
            break;
        }
    }
    target.save(&picture::sheet(&tiles), None)?;
    Ok(interrupt
        .exit_code()
        .map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// A caption and the flags of each picture of the sheet.
fn variants(sweep: &str, flags: &Flags) -> Result<Vec<(String, Flags)>, Usage> {
    let wrong = |why: &str| Usage(format!("--sweep {sweep}: {why}"));
    let (name, values) = sweep
        .split_once('=')
        .ok_or_else(|| wrong("write it as FLAG=X,X,X, such as beta=3,10,30,100"))?;
    let name = name.trim_start_matches('-');
    if OF_SHEET.contains(&name) {
        return Err(wrong("this flag is of the whole sheet"));
    }
    let given = |name: &str| flags.iter().any(|(flag, _)| flag == name);
    let mut base = flags.clone();
    for flag in OF_SHEET {
        base.remove(flag);
    }
    if !given("size") && !given("area") {
        base.set("size", &[SIZE]);
    }
    values
        .split(',')
        .map(|value| {
            let mut flags = base.clone();
            flags.set(name, &[value]);
            let parsed = flags.parse().map_err(|fault| wrong(&fault))?;
            paint::check(&parsed.0).map_err(|fault| wrong(&fault.to_string()))?;
            Ok((format!("{name}={value}"), flags))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn flags() -> Flags {
        let given = ["--content=a.png", "--style=b.png", "--save-every=5"];
        Flags::partial(&given.map(OsString::from)).unwrap()
    }

    #[test]
    fn every_value_is_a_small_transfer_of_its_own() {
        let variants = variants("beta=3,10", &flags()).unwrap();
        let captions: Vec<_> = variants
            .iter()
            .map(|(caption, _)| caption.as_str())
            .collect();
        assert_eq!(captions, ["beta=3", "beta=10"]);
        let (transfer, _) = variants[1].1.parse().unwrap();
        assert_eq!(transfer.style.beta.to_string(), "10");
        assert_eq!(transfer.pictures.size.to_string(), SIZE);
        assert!(transfer.output.save_every.is_none());
    }

    #[test]
    fn what_cannot_be_swept_is_refused_with_the_flag() {
        for sweep in [
            "beta",
            "beta=3,x",
            "betta=1",
            "output=a,b",
            "beta=-1",
            "beta=",
        ] {
            let error = variants(sweep, &flags()).unwrap_err();
            assert!(error.0.starts_with("--sweep"), "{}", error.0);
        }
    }
}
