//! `nst weights …`.

use std::io::{self, Write};
use std::path::Path;

use nst::vgg::Model;
use nst::weights::{
    self, Checked, FetchFrom, Import, Listed, Places, Precision, Source, WeightsError,
};

use crate::cli::args::{WeightsArgs, WeightsCommand};
use crate::cli::report::Terminal;

/// Runs one `nst weights` command; its result goes to stdout, its progress to stderr.
///
/// # Errors
///
/// The library's error, or stdout's.
pub fn run(args: WeightsArgs) -> anyhow::Result<()> {
    let mut places = Places::of_this_process();
    match args.command {
        WeightsCommand::Fetch {
            model,
            source,
            from,
            offline,
        } => {
            if offline {
                places.network = None;
            }
            let from = from.map_or(FetchFrom::Publisher, |text| FetchFrom::parse(&text));
            fetch(Source::of(model, source), &from, &places)?;
        }
        WeightsCommand::Import {
            file,
            output,
            half,
            model,
        } => {
            let precision = if half {
                Precision::Half
            } else {
                Precision::Single
            };
            let options = Import {
                output,
                precision,
                model,
            };
            import(&file, &options, &places)?;
        }
        WeightsCommand::List => list(&places)?,
        WeightsCommand::Check { file } => check(&file)?,
        WeightsCommand::Path { model } => path(model, &places)?,
    }
    Ok(())
}

fn cache(places: &Places) -> Result<&Path, WeightsError> {
    places.cache.as_deref().ok_or(WeightsError::NoCache)
}

fn fetch(source: &Source, from: &FetchFrom, places: &Places) -> anyhow::Result<()> {
    let report = Terminal::new(false, None);
    let network = places.network.as_ref();
    let path = weights::fetch(source, from, cache(places)?, network, &report)?;
    writeln!(io::stdout(), "{}", path.display())?;
    Ok(())
}

fn import(file: &Path, options: &Import, places: &Places) -> anyhow::Result<()> {
    let folder = match &options.output {
        // The cache folder is not used.
        Some(path) => path,
        None => cache(places)?,
    };
    let imported = weights::import(file, options, folder)?;
    let known = match imported.source {
        Some(source) => format!("the published file of {}", source.publisher),
        None => "not a published file".to_owned(),
    };
    writeln!(
        io::stdout(),
        "{}: {} down to {}, {known}",
        imported.path.display(),
        imported.model,
        imported.deepest
    )?;
    Ok(())
}

fn list(places: &Places) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let mut faults = 0;
    for listed in weights::list(places) {
        match listed {
            Ok(listed) => write_listed(&mut out, &listed)?,
            Err(error) => {
                faults += 1;
                writeln!(out, "{}", chain(&error))?;
            }
        }
    }
    for model in Model::ALL {
        let built_in = weights::built_in(model, nst::vgg::Layer::new(1, 1));
        if let Some(Ok(weights)) = built_in {
            let licence = weights.origin.licence.unwrap_or_default();
            writeln!(
                out,
                "built-in {model}\n  trained by this project, {licence}"
            )?;
        }
    }
    if faults > 0 {
        anyhow::bail!("files that cannot be used are in the way: delete them");
    }
    Ok(())
}

fn write_listed(out: &mut dyn Write, listed: &Listed) -> io::Result<()> {
    let stated = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".to_owned());
    writeln!(
        out,
        "{}\n  {}, {:.1} MB\n  source  {}\n  licence {}\n  sha256  {}",
        listed.path.display(),
        listed.model,
        listed.bytes as f64 / 1e6,
        stated(&listed.source),
        stated(&listed.licence),
        listed.sha256
    )
}

fn check(file: &Path) -> anyhow::Result<()> {
    let Checked {
        tensors,
        others,
        verdict,
    } = weights::check(file)?;
    let mut out = io::stdout().lock();
    for tensor in &tensors {
        let range = match tensor.range {
            Some((low, high)) => format!("{low:+.4e} to {high:+.4e}"),
            None => "unread".to_owned(),
        };
        let shape = format!("{:?}", tensor.shape);
        writeln!(
            out,
            "{:28} {:5} {shape:20} {range}",
            tensor.name, tensor.dtype
        )?;
    }
    if others > 0 {
        writeln!(out, "{others} other tensors are not looked at")?;
    }
    let (models, deepest) = verdict?;
    let models: Vec<_> = models.into_iter().map(Model::name).collect();
    writeln!(out, "good: {} down to {deepest}", models.join(" or "))?;
    Ok(())
}

fn path(model: Option<Model>, places: &Places) -> anyhow::Result<()> {
    let mut out = io::stdout();
    match model {
        None => writeln!(out, "{}", cache(places)?.display())?,
        Some(model) => match places.file(model)? {
            Some(path) => writeln!(out, "{}", path.display())?,
            None => {
                anyhow::bail!("no file for {model} yet: `nst weights fetch {model}`");
            }
        },
    }
    Ok(())
}

/// An error with its causes, joined by colons.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
