use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Context;
use nst::Picture;
use nst::picture::{self, EncodeOptions};

/// The file a result goes to, and the frames beside it.
#[derive(Debug)]
pub struct Target {
    path: PathBuf,
    overwrite: bool,
}

impl Target {
    /// Checks the target before any work: `-o`, or a name made from those of the inputs.
    pub fn new(given: Option<&Path>, inputs: &[PathBuf], overwrite: bool) -> anyhow::Result<Self> {
        let path = given.map_or_else(|| default_name(inputs), Path::to_path_buf);
        let inputs: Vec<_> = inputs.iter().map(PathBuf::as_path).collect();
        picture::check_output(&path, &inputs, overwrite)?;
        Ok(Self { path, overwrite })
    }

    /// Where the result goes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the result.
    pub fn save(&self, picture: &Picture) -> anyhow::Result<()> {
        Ok(picture::encode(
            picture,
            &self.path,
            &self.options(picture),
        )?)
    }

    /// Writes the picture as it is after some steps, beside the result.
    pub fn save_frame(&self, picture: &Picture, step: usize) -> anyhow::Result<()> {
        let path = numbered(&self.path, step);
        picture::encode(picture, &path, &self.options(picture))
            .with_context(|| format!("--save-every: the frame of step {step} cannot be saved"))
    }

    fn options(&self, picture: &Picture) -> EncodeOptions {
        EncodeOptions {
            depth: picture.depth,
            overwrite: self.overwrite,
            ..EncodeOptions::default()
        }
    }
}

/// `photo.jpg` and `painting.png` make `photo_painting.png`, in the current folder.
fn default_name(inputs: &[PathBuf]) -> PathBuf {
    let stems = inputs.iter().take(2).filter_map(|path| path.file_stem());
    let mut name = stems.collect::<Vec<_>>().join(OsStr::new("_"));
    name.push(".png");
    name.into()
}

/// `out.png` at step 50 is `out-00050.png`.
fn numbered(path: &Path, step: usize) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push(format!("-{step:05}."));
    name.push(path.extension().unwrap_or_default());
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_numbered_beside_the_result() {
        let frame = numbered(Path::new("some/out.png"), 50);
        assert_eq!(frame, Path::new("some/out-00050.png"));
    }

    #[test]
    fn the_default_name_is_made_of_both_pictures_in_the_current_folder() {
        let name = default_name(&["a/photo.jpg".into(), "b/painting.png".into()]);
        assert_eq!(name, Path::new("photo_painting.png"));
    }
}
