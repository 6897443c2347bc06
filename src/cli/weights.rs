//! `nst weights …`, and what a run says while it looks for weights.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use nst::vgg::Model;
use nst::weights::{
    self, Checked, FetchFrom, Import, Listed, Notice, Places, Precision, Publisher, Report, Source,
    WeightsError,
};

/// Fetch, import, list and check the networks' weights.
#[derive(Debug, Args)]
pub struct WeightsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch ImageNet's weights, verify them and keep them in the cache folder
    Fetch {
        /// vgg16 or vgg19
        #[arg(default_value_t = Model::Vgg19)]
        model: Model,
        /// keras (the original Oxford networks: best pictures, 80 and 59 MB) or torchvision
        #[arg(long, default_value_t)]
        source: Publisher,
        /// Take the same file from here instead
        #[arg(long, value_name = "URL|FILE")]
        from: Option<String>,
        /// Use no network (also `NST_OFFLINE=1`)
        #[arg(long)]
        offline: bool,
    },
    /// Turn Keras' .h5, PyTorch's .pth or safetensors into nst's own file
    Import {
        /// The file to read
        file: PathBuf,
        /// The file to write [default: the network's place in the cache folder]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Write F16: half the size, kernels to three digits
        #[arg(long)]
        half: bool,
        /// vgg16 or vgg19, where the file itself does not tell
        #[arg(long)]
        model: Option<Model>,
    },
    /// List the weights on this machine: file, size, source, digest
    List,
    /// Check every tensor of a file: name, type, shape, range
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print the cache folder, or the file a run would use
    Path {
        /// vgg16 or vgg19
        model: Option<Model>,
    },
}

/// Runs one `nst weights` command; its result goes to stdout, its progress to stderr.
///
/// # Errors
///
/// The library's error, or stdout's.
pub fn run(args: WeightsArgs) -> anyhow::Result<()> {
    let mut places = Places::of_this_process();
    match args.command {
        Command::Fetch {
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
        Command::Import {
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
        Command::List => list(&places)?,
        Command::Check { file } => check(&file)?,
        Command::Path { model } => path(model, &places)?,
    }
    Ok(())
}

fn cache(places: &Places) -> Result<&Path, WeightsError> {
    places.cache.as_deref().ok_or(WeightsError::NoCache)
}

fn fetch(source: &Source, from: &FetchFrom, places: &Places) -> anyhow::Result<()> {
    let report = Terminal::new(false);
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
