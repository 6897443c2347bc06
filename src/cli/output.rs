use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nst::picture::{self, Depth, EncodeOptions, OutputFormat};
use nst::{Picture, files};

use crate::cli::args::Transfer;
use crate::cli::fault::Usage;
use crate::cli::inputs;
use crate::cli::provenance::Provenance;

/// The file a result goes to.
#[derive(Clone, Debug)]
pub struct Target {
    path: PathBuf,
    overwrite: bool,
    depth: Option<Depth>,
    provenance: Option<Provenance>,
}

impl Target {
    /// Checks the target of a transfer before any work.
    pub fn new(args: &Transfer, overwrite: bool) -> anyhow::Result<Self> {
        let path = path(args);
        picture::check_output(&path, &paths(&inputs(args)?), overwrite)?;
        Ok(Self {
            path,
            overwrite,
            depth: args.output.depth,
            provenance: None,
        })
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
        let options = self.options(picture, stopped_after)?;
        Ok(picture::encode_or_rescue(picture, &self.path, &options)?)
    }

    /// Writes the picture as it is after some steps to another file.
    pub fn save_frame(&self, picture: &Picture, step: usize, path: &Path) -> anyhow::Result<()> {
        let options = self.options(picture, Some(step))?;
        Ok(picture::encode(picture, path, &options)?)
    }

    fn options(
        &self,
        picture: &Picture,
        stopped_after: Option<usize>,
    ) -> anyhow::Result<EncodeOptions> {
        let provenance = self.provenance.as_ref();
        Ok(EncodeOptions {
            depth: self.depth.unwrap_or(picture.depth),
            overwrite: self.overwrite,
            provenance: provenance.map(|p| p.text(stopped_after)).transpose()?,
            ..EncodeOptions::default()
        })
    }
}

/// Checks what can be known of the output however long it takes until it is written.
pub fn check(args: &Transfer) -> anyhow::Result<()> {
    let path = path(args);
    if let (Some(ext), Some(given)) = (&args.output.ext, &args.pictures.output) {
        return Err(Usage(format!(
            "--ext {ext}: the name {} says the format already; leave one of them out",
            given.display()
        ))
        .into());
    }
    let format = OutputFormat::from_path(&path)?;
    files::check_not_input(&path, &paths(&inputs(args)?))?;
    if args.output.depth == Some(Depth::Sixteen) && !format.has_sixteen_bits() {
        return Err(Usage(format!(
            "--depth 16: {} is a {format}, which has 8 bits; name a .png or .tif, or leave --depth out",
            path.display()
        ))
        .into());
    }
    Ok(())
}

/// Where a transfer's result goes: `--output`, or a name made from the pictures' names.
pub fn path(args: &Transfer) -> PathBuf {
    let pictures = &args.pictures;
    pictures.output.clone().unwrap_or_else(|| {
        let styles = inputs::styles(args).unwrap_or_default();
        let style = styles.into_iter().next().map(|(path, _)| path);
        let content = pictures.content.clone().unwrap_or_default();
        let extension = args.output.ext.as_deref().unwrap_or("png");
        default_name(&content, &style.unwrap_or_default(), extension)
    })
}

/// The files that a transfer must not write over.
pub fn inputs(args: &Transfer) -> Result<Vec<PathBuf>, Usage> {
    inputs::files(args)
}

/// The same paths, borrowed.
pub fn paths(files: &[PathBuf]) -> Vec<&Path> {
    files.iter().map(PathBuf::as_path).collect()
}

/// `photo.jpg` and `painting.png` make `photo_painting.EXTENSION`, in the current folder.
fn default_name(content: &Path, style: &Path, extension: &str) -> PathBuf {
    let mut name = OsString::from(content.file_stem().unwrap_or_default());
    name.push("_");
    name.push(style.file_stem().unwrap_or_default());
    name.push(".");
    name.push(extension);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_name_is_made_of_both_pictures_in_the_current_folder() {
        let name = default_name(Path::new("a/photo.jpg"), Path::new("b/painting.png"), "png");
        assert_eq!(name, Path::new("photo_painting.png"));
    }
}
