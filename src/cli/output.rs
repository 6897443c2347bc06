use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nst::Picture;
use nst::picture::{self, Depth, EncodeOptions};

use crate::cli::args::Transfer;
use crate::cli::fault::Usage;
use crate::cli::inputs::{self, is_pipe};
use crate::cli::names;
use crate::cli::outputs::{Outputs, Record};
use crate::cli::provenance::{Provenance, is_unfinished};

pub use crate::cli::names::result as path;

/// The file a result goes to.
#[derive(Clone, Debug)]
pub struct Target {
    path: PathBuf,
    overwrite: bool,
    /// Whether that is so only if an earlier run of the same job left what is there.
    only_own: bool,
    depth: Option<Depth>,
    quality: Option<u8>,
    /// Of the format on standard output.
    extension: String,
    provenance: Option<Provenance>,
}

impl Target {
    /// Checks, before any work, everything that a transfer is to write.
    pub fn new(args: &Transfer, overwrite: bool) -> anyhow::Result<Self> {
        let outputs = Outputs::of(args)?;
        outputs.check_names()?;
        outputs.check_places(overwrite)?;
        Ok(Self {
            path: outputs.result,
            overwrite,
            only_own: false,
            depth: args.output.depth,
            quality: args.output.quality,
            extension: names::extension(&args.output).to_owned(),
            provenance: None,
        })
    }

    /// As [`Target::new`] with what the flags say, and a picture that was saved before its last
    /// step may be there: whether it is this job's own, [`Target::may_replace`] finds out.
    pub fn or_own(args: &Transfer) -> anyhow::Result<Self> {
        let overwrite = args.output.overwrite;
        let only_own = !overwrite && is_unfinished(&path(args));
        Ok(Self {
            only_own,
            ..Self::new(args, overwrite || only_own)?
        })
    }

    /// Whether what is there may be replaced by this run.
    pub fn may_replace(&self, run: &Record<'_>) -> bool {
        !self.only_own || run.left(&self.path)
    }

    /// The target, with what its pictures say of how they were made.
    pub fn describing(self, provenance: Option<Provenance>) -> Self {
        Self { provenance, ..self }
    }

    /// Where the result goes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The target of a result whose loss exploded at this step, which says so.
    pub fn diverged(&self, step: usize) -> Self {
        let mut this = self.clone();
        if let Some(provenance) = &mut this.provenance {
            provenance.diverged = Some(step);
        }
        this
    }

    /// Writes the result, saved before the last step if `stopped_after` says after which; somewhere
    /// else, and an error that says where, if it cannot be written.
    pub fn save(&self, picture: &Picture, stopped_after: Option<usize>) -> anyhow::Result<()> {
        let options = self.options(picture, stopped_after, self.overwrite)?;
        if is_pipe(&self.path) {
            return self.print(picture, options);
        }
        Ok(picture::encode_or_rescue(picture, &self.path, &options)?)
    }

    /// Writes the result to standard output. If that takes it not, it stays in a temporary file.
    fn print(&self, picture: &Picture, options: EncodeOptions) -> anyhow::Result<()> {
        let suffix = format!(".{}", self.extension);
        let mut builder = tempfile::Builder::new();
        let file = builder.prefix("nst-").suffix(&suffix).tempfile()?;
        let overwrite = true;
        picture::encode(
            picture,
            file.path(),
            &EncodeOptions {
                overwrite,
                ..options
            },
        )?;
        let printed = File::open(file.path()).and_then(|mut whole| {
            let mut out = io::stdout().lock();
            io::copy(&mut whole, &mut out)?;
            out.flush()
        });
        if let Err(error) = printed {
            let saved = file.into_temp_path().keep()?;
            let saved = saved.display();
            anyhow::bail!("standard output: {error}; the picture was saved as {saved} instead");
        }
        Ok(())
    }

    /// Writes the picture as it is after some steps to another file.
    pub fn save_frame(
        &self,
        picture: &Picture,
        step: usize,
        path: &Path,
        overwrite: bool,
    ) -> anyhow::Result<()> {
        let options = self.options(picture, Some(step), overwrite)?;
        Ok(picture::encode(picture, path, &options)?)
    }

    fn options(
        &self,
        picture: &Picture,
        stopped_after: Option<usize>,
        overwrite: bool,
    ) -> anyhow::Result<EncodeOptions> {
        let provenance = self.provenance.as_ref();
        Ok(EncodeOptions {
            depth: self.depth.unwrap_or(picture.depth),
            overwrite,
            quality: self.quality,
            provenance: provenance.map(|p| p.text(stopped_after)).transpose()?,
        })
    }
}

/// Checks what can be known of the outputs however long it takes until they are written.
pub fn check(args: &Transfer) -> anyhow::Result<()> {
    Outputs::of(args)?.check_names()
}

/// The files that a transfer must not write over.
pub fn inputs(args: &Transfer) -> Result<Vec<PathBuf>, Usage> {
    inputs::files(args)
}

/// The same paths, borrowed.
pub fn paths(files: &[PathBuf]) -> Vec<&Path> {
    files.iter().map(PathBuf::as_path).collect()
}
