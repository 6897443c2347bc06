use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nst::Picture;
use nst::picture::{self, EncodeOptions};

/// The file a result goes to.
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

    /// Writes a picture elsewhere, as the result would be written.
    pub fn save_as(&self, picture: &Picture, path: &Path) -> anyhow::Result<()> {
        Ok(picture::encode(picture, path, &self.options(picture))?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_name_is_made_of_both_pictures_in_the_current_folder() {
        let name = default_name(&["a/photo.jpg".into(), "b/painting.png".into()]);
        assert_eq!(name, Path::new("photo_painting.png"));
    }
}
