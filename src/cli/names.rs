//! Names of outputs that nobody gave.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use nst::picture::{OutputFormat, PictureError};

use crate::cli::args::{OutputArgs, Transfer};
use crate::cli::inputs::{self, is_pipe};

/// Most bytes of each picture's name in the name made of both: file systems take 255, and frames
/// are to have room for their number.
const LONGEST: usize = 100;

/// Where a transfer's result goes: `--output`, or a name made from the pictures' names.
pub fn result(args: &Transfer) -> PathBuf {
    let pictures = &args.pictures;
    pictures.output.clone().unwrap_or_else(|| {
        let styles = inputs::styles(args).unwrap_or_default();
        let style = styles.into_iter().next().map(|(path, _)| path);
        let content = pictures.content.clone().unwrap_or_default();
        default_name(
            &content,
            &style.unwrap_or_default(),
            extension(&args.output),
        )
    })
}

/// The format of a transfer's result: by its name, or by `--ext` on standard output.
pub fn format(args: &OutputArgs, result: &Path) -> Result<OutputFormat, PictureError> {
    if is_pipe(result) {
        return OutputFormat::from_path(&result.with_extension(extension(args)));
    }
    OutputFormat::from_path(result)
}

/// The extension of a result whose name does not have one.
pub fn extension(args: &OutputArgs) -> &str {
    args.ext.as_deref().unwrap_or("png")
}

/// `photo.jpg` and `painting.png` make `photo_painting.EXTENSION`, in the current folder; of long
/// names the beginning is taken.
fn default_name(content: &Path, style: &Path, extension: &str) -> PathBuf {
    let mut name = beginning(content.file_stem().unwrap_or_default());
    name.push("_");
    name.push(beginning(style.file_stem().unwrap_or_default()));
    name.push(".");
    name.push(extension);
    name.into()
}

/// As much of a name as fits; one that is too long and no text loses what is none.
pub fn beginning(name: &OsStr) -> OsString {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let text = name.to_string_lossy();
    text[..text.floor_char_boundary(LONGEST)].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_name_is_made_of_both_pictures_in_the_current_folder() {
        let name = default_name(Path::new("a/photo.jpg"), Path::new("b/painting.png"), "png");
        assert_eq!(name, Path::new("photo_painting.png"));
    }

    #[test]
    fn names_that_are_too_long_together_are_cut_between_letters() {
        let (photo, painting) = (format!("{}.jpg", "ä".repeat(120)), "b".repeat(250));
        let name = default_name(Path::new(&photo), Path::new(&painting), "png");
        let expected = format!("{}_{}.png", "ä".repeat(50), "b".repeat(100));
        assert_eq!(name, Path::new(&expected));
    }
}
