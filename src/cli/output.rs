use std::ffi::OsString;
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
    /// Checks the target before any work: `-o`, or a name made from the pictures' names.
    pub fn new(
        given: Option<&Path>,
        content: &Path,
        style: &Path,
        overwrite: bool,
    ) -> anyhow::Result<Self> {
        let path = given.map_or_else(|| default_name(content, style), Path::to_path_buf);
        picture::check_output(&path, &[content, style], overwrite)?;
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
fn default_name(content: &Path, style: &Path) -> PathBuf {
    let mut name = OsString::from(content.file_stem().unwrap_or_default());
    name.push("_");
    name.push(style.file_stem().unwrap_or_default());
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
        let name = default_name(Path::new("a/photo.jpg"), Path::new("b/painting.png"));
        assert_eq!(name, Path::new("photo_painting.png"));
    }
}
