//! Names of outputs that nobody gave.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::cli::args::Transfer;
use crate::cli::inputs;

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
        default_name(&content, &style.unwrap_or_default())
    })
}

/// `photo.jpg` and `painting.png` make `photo_painting.png`, in the current folder; of long names
/// the beginning is taken.
pub fn default_name(content: &Path, style: &Path) -> PathBuf {
    let mut name = beginning(content.file_stem().unwrap_or_default());
    name.push("_");
    name.push(beginning(style.file_stem().unwrap_or_default()));
    name.push(".png");
    name.into()
}

/// As much of a name as fits; one that is too long and no text loses what is none.
fn beginning(name: &OsStr) -> OsString {
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
        let name = default_name(Path::new("a/photo.jpg"), Path::new("b/painting.png"));
        assert_eq!(name, Path::new("photo_painting.png"));
    }

    #[test]
    fn names_that_are_too_long_together_are_cut_between_letters() {
        let (photo, painting) = (format!("{}.jpg", "ä".repeat(120)), "b".repeat(250));
        let name = default_name(Path::new(&photo), Path::new(&painting));
        let expected = format!("{}_{}.png", "ä".repeat(50), "b".repeat(100));
        assert_eq!(name, Path::new(&expected));
    }
}
