//! `--sweep`: one flag, several values, one contact sheet.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use nst::Picture;
use nst::picture::{self, Limits};
use serde::Serialize;
use tempfile::TempDir;

use crate::cli::args::{Part, Role, Transfer};
use crate::cli::command_line;
use crate::cli::fault::{Interrupted, Usage};
use crate::cli::flags::{Flags, long_name};
use crate::cli::inputs;
use crate::cli::json::{json_path, print_json};
use crate::cli::networks::Networks;
use crate::cli::observers::{Audience, Both, Interrupt, Nobody};
use crate::cli::output::Target;
use crate::cli::paint::{self, Outcome, paint, set_threads};
use crate::cli::provenance::Provenance;
use crate::cli::reports::{Recorder, Report};
use crate::cli::say;

/// Long side of each result, in pixels, unless `--size` or `--area` is given or swept.
const SIZE: &str = "256";

/// A picture of the sheet: its caption and the flags it is painted with.
type Variant = (String, Flags);

/// Paints a small result for each value and puts them on a sheet with captions.
pub fn run(sweep: &str, args: &Transfer, flags: &Flags) -> anyhow::Result<ExitCode> {
    check(args, flags)?;
    let interrupt = Interrupt::listen()?;
    set_threads(args)?;
    let networks = &mut Networks::default();
    let diverged = paint_sheet(sweep, args, flags, networks, &interrupt, &mut Nobody)?;
    let code = interrupt.exit_code().unwrap_or(u8::from(diverged));
    Ok(ExitCode::from(code))
}

/// Checks what the flags alone tell.
pub fn check(args: &Transfer, flags: &Flags) -> anyhow::Result<()> {
    paint::check(args)?;
    refuse_files_beside(flags)?;
    if inputs::pictures(args)?
        .iter()
        .any(|path| inputs::is_pipe(path))
    {
        let text = "--sweep: every picture of the sheet reads its inputs, and standard input (-) \
                    can be read once; name a file";
        return Err(Usage(text.to_owned()).into());
    }
    Ok(())
}

/// Paints the sheet of a checked sweep, and the report that its flags ask for. The audience is told of
/// every picture on it. Gives whether the loss of one exploded.
pub fn paint_sheet(
    sweep: &str,
    args: &Transfer,
    flags: &Flags,
    networks: &mut Networks,
    interrupt: &Interrupt,
    audience: &mut dyn Audience,
) -> anyhow::Result<bool> {
    let variants = variants(sweep, flags)?;
    let target = Target::new(args, args.output.overwrite)?;
    let mut recorder = args.output.report.as_ref().map(|_| Recorder::default());
    let sheet = match &mut recorder {
        Some(recorder) => {
            let mut both = Both(audience, recorder);
            Sheet::paint(variants, args, networks, interrupt, &mut both)?
        }
        None => Sheet::paint(variants, args, networks, interrupt, audience)?,
    };
    let target = target.describing(together(flags, sheet.records, args.output.quiet));
    let page = picture::sheet(&sheet.tiles);
    target.save(&page, sheet.stopped_after)?;
    announce(args, target.path(), &page, sheet.tiles.len())?;
    if let Some((path, recorder)) = args.output.report.as_ref().zip(recorder) {
        let command = command_line::quoted(flags)?;
        let report = Report::of_sweep(sweep, &recorder.done, &command);
        report.write(path, args.output.overwrite)?;
    }
    Ok(sheet.diverged)
}

/// What is painted of a sheet.
#[derive(Default)]
struct Sheet {
    /// The pictures with their captions.
    tiles: Vec<(Picture, String)>,
    /// What they say of how they were made.
    records: Vec<Provenance>,
    /// Whether the loss of one exploded.
    diverged: bool,
    /// Number of pictures when it was interrupted, if it was.
    stopped_after: Option<usize>,
}

impl Sheet {
    /// Paints every variant, or as many as there are before an interruption.
    fn paint(
        variants: Vec<Variant>,
        args: &Transfer,
        networks: &mut Networks,
        interrupt: &Interrupt,
        audience: &mut dyn Audience,
    ) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let mut sheet = Self::default();
        let whole = variants.len();
        for (k, (caption, flags)) in variants.into_iter().enumerate() {
            let path = folder.path().join(format!("{k}.png"));
            let tile = tile(&caption, &flags, &path, args)?;
            if !args.output.quiet {
                say::line(&caption);
            }
            let to = Target::new(&tile, false)?;
            let outcome = match paint(&tile, &flags, to, networks, interrupt, audience) {
                Err(error) if error.is::<Interrupted>() && k > 0 => break,
                outcome => outcome?,
            };
            sheet.add(&path, caption, outcome)?;
            if interrupt.exit_code().is_some() || sheet.stopped_after.is_some() {
                break;
            }
        }
        let tiles = sheet.tiles.len();
        if tiles < whole {
            sheet.stopped_after = Some(tiles);
        }
        Ok(sheet)
    }

    fn add(&mut self, path: &Path, mut caption: String, outcome: Outcome) -> anyhow::Result<()> {
        if matches!(outcome, Outcome::Diverged { .. }) {
            self.diverged = true;
            caption.push_str(" (diverged)");
        }
        self.records.extend(Provenance::read(path)?);
        let picture = picture::decode(path, &Limits::default())?;
        self.tiles.push((picture, caption));
        if matches!(outcome, Outcome::Stopped { .. }) {
            self.stopped_after = Some(self.tiles.len());
        }
        Ok(())
    }
}

/// The pictures of the sheet that a transfer asks for; none if it asks for none.
pub fn variants_of(args: &Transfer, flags: &Flags) -> Result<Vec<Variant>, Usage> {
    let sweep = args.output.sweep.as_ref();
    sweep.map_or(Ok(Vec::new()), |sweep| variants(sweep, flags))
}

/// The transfer of one picture, with the sheet's weights unless they are what differs.
fn tile(caption: &str, flags: &Flags, path: &Path, sheet: &Transfer) -> Result<Transfer, Usage> {
    let (mut tile, _) = flags.parse().map_err(Usage)?;
    tile.pictures.output = Some(path.to_owned());
    tile.output.part = Some(Part::Tile(caption.to_owned()));
    if !caption.starts_with("weights=") {
        tile.style.weights.clone_from(&sheet.style.weights);
    }
    Ok(tile)
}

/// Only the sheet is written: each of its pictures would need such files of its own.
fn refuse_files_beside(flags: &Flags) -> Result<(), Usage> {
    let beside = |&(name, _): &(&str, _)| Role::of(name) == Some(Role::Beside);
    match flags.iter().find(beside) {
        Some((name, _)) => Err(Usage(format!(
            "--{name}: a sweep paints several pictures, and only their sheet is written; leave out \
             --{name}, or paint the values one by one"
        ))),
        None => Ok(()),
    }
}

/// What the sheet says of how it was made: nothing if its pictures do not, or have different weights.
fn together(flags: &Flags, records: Vec<Provenance>, quiet: bool) -> Option<Provenance> {
    let weights = records.first()?.weights.clone();
    if records.iter().any(|record| record.weights != weights) {
        if !quiet {
            say::note("pictures with different weights: the sheet cannot say how it was made");
        }
        return None;
    }
    let inputs: BTreeMap<_, _> = records.into_iter().flat_map(|r| r.inputs).collect();
    Some(Provenance::new(flags, inputs, weights))
}

fn announce(args: &Transfer, path: &Path, sheet: &Picture, tiles: usize) -> anyhow::Result<()> {
    /// What scripts read: the names are a contract.
    #[derive(Serialize)]
    struct SheetLine {
        event: &'static str,
        output: String,
        width: usize,
        height: usize,
        tiles: usize,
    }
    let (width, height) = (sheet.width, sheet.height);
    if !args.output.quiet {
        let path = path.display();
        say::line(format_args!(
            "{path}: {width}x{height}, a sheet of {tiles} pictures"
        ));
    }
    if args.output.json {
        print_json(&SheetLine {
            event: "sheet",
            output: json_path(path),
            width,
            height,
            tiles,
        })?;
    }
    Ok(())
}

fn variants(sweep: &str, flags: &Flags) -> Result<Vec<Variant>, Usage> {
    let wrong = |why: &str| Usage(format!("--sweep {sweep}: {why}"));
    let (given, values) = sweep
        .split_once('=')
        .ok_or_else(|| wrong("write it as FLAG=X,X,X, such as beta=3,10,30,100"))?;
    let given = given.trim_start_matches('-');
    let sweepable =
        |name: &String| name != "sweep" && Role::of(name).is_some_and(Role::makes_the_picture);
    let name = long_name(given)
        .filter(sweepable)
        .ok_or_else(|| wrong(&format!("--{given} is no flag that changes the picture")))?;
    let mut base = flags.clone();
    base.retain(|role, name| {
        // Pictures of a sheet are kept without loss until they are on it.
        let of_sheet = ["sweep", "quality"].contains(&name);
        !of_sheet && !matches!(role, Some(Role::Beside | Role::Output))
    });
    let sizes = ["size", "area"];
    if !sizes.contains(&name.as_str()) && !sizes.iter().any(|size| flags.has(size)) {
        base.set("size", &[SIZE]);
    }
    values
        .split(',')
        .map(|value| {
            let mut flags = base.clone();
            flags.set(&name, &[value]);
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

    fn flags(more: &[&str]) -> Flags {
        let given = [&["--content=a.png", "--style=b.png"], more].concat();
        let given: Vec<_> = given.into_iter().map(OsString::from).collect();
        Flags::partial(&given).unwrap()
    }

    fn sizes(sweep: &str, more: &[&str]) -> Vec<String> {
        let variants = variants(sweep, &flags(more)).unwrap();
        let sizes = variants.iter().map(|(_, flags)| {
            let pictures = flags.parse().unwrap().0.pictures;
            let area = pictures.area.map(|area| area.to_string());
            area.unwrap_or(pictures.size.to_string())
        });
        sizes.collect()
    }

    #[test]
    fn every_value_is_a_small_transfer_of_its_own() {
        let variants = variants("beta=3,10", &flags(&["--output=o.png"])).unwrap();
        let captions: Vec<_> = variants
            .iter()
            .map(|(caption, _)| caption.as_str())
            .collect();
        assert_eq!(captions, ["beta=3", "beta=10"]);
        let (transfer, _) = variants[1].1.parse().unwrap();
        assert_eq!(transfer.style.beta.to_string(), "10");
        assert_eq!(transfer.pictures.size.to_string(), SIZE);
        assert!(transfer.pictures.output.is_none());
    }

    #[test]
    fn a_size_that_is_given_or_swept_is_the_size() {
        assert_eq!(sizes("beta=3,10", &["--size=512"]), ["512", "512"]);
        assert_eq!(sizes("beta=3", &["--area=0.5MP"]), ["0.5MP"]);
        assert_eq!(sizes("size=64,512", &[]), ["64", "512"]);
        assert_eq!(sizes("area=0.1MP,0.2MP", &[]), ["0.1MP", "0.2MP"]);
    }

    #[test]
    fn the_quality_is_that_of_the_sheet() {
        let variants = variants("beta=1", &flags(&["--quality=50", "--seed=3"])).unwrap();
        assert!(!variants[0].1.has("quality") && variants[0].1.has("seed"));
    }

    #[test]
    fn a_flag_may_be_swept_by_its_other_name() {
        let variants = variants("colour=style,match", &flags(&["--color=content"])).unwrap();
        assert_eq!(variants[1].0, "color=match");
    }

    #[test]
    fn what_cannot_be_swept_is_refused_with_the_flag() {
        for sweep in [
            "beta",
            "beta=3,x",
            "betta=1",
            "output=a,b",
            "checkpoint=a,b",
            "checkpoint=x=a",
            "sweep=beta=1",
            "quiet=true",
            "beta=-1",
            "beta=",
        ] {
            let error = variants(sweep, &flags(&[])).unwrap_err();
            assert!(error.0.starts_with("--sweep"), "{}", error.0);
        }
    }

    #[test]
    fn files_beside_the_sheet_are_refused() {
        for flag in ["--timelapse=a.gif", "--checkpoint=a", "--save-every=3"] {
            let error = refuse_files_beside(&flags(&[flag])).unwrap_err();
            let name = flag.split_once('=').unwrap().0;
            assert!(error.0.starts_with(name), "{}", error.0);
        }
        assert!(refuse_files_beside(&flags(&["--quiet", "--output=o.png"])).is_ok());
    }
}
