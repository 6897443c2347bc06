use std::fs;

use super::*;
use crate::picture::provenance;
use crate::picture::tests::faults::Mount;
use crate::picture::tests::{entries, folder, gradient, read};

/// Fails to write, is rescued in one of the folders, and gives the place.
fn rescued(folders: &[&Path], path: &Path, options: &EncodeOptions) -> PathBuf {
    let folders: Vec<_> = folders.iter().map(|&folder| folder.to_owned()).collect();
    let picture = gradient(9, 7, 256.0);
    let error = encode_or_rescue_in(&folders, &picture, path, options).unwrap_err();
    let PictureError::Rescued { saved, .. } = error else {
        panic!("not rescued: {error}")
    };
    assert_eq!(read(&saved).pixels, picture.pixels);
    saved
}

#[test]
fn a_name_too_long_for_the_file_system_is_shortened() {
    let folder = folder();
    // Three bytes a letter: the limit falls between the bytes of one.
    for stem in ["a".repeat(300), "東".repeat(100)] {
        let path = folder.path().join(format!("{stem}.png"));
        let saved = rescued(&[folder.path()], &path, &EncodeOptions::default());
        let name = saved.file_name().unwrap().to_str().unwrap();
        assert!(name.len() < 143, "{name}");
        assert!(stem.starts_with(name.split_once("-rescued-").unwrap().0));
        assert_eq!(entries(folder.path()), std::slice::from_ref(&saved));
        fs::remove_file(saved).unwrap();
    }
}

#[test]
fn a_path_without_a_name_is_rescued_too() {
    let folder = folder();
    rescued(&[folder.path()], Path::new(".."), &EncodeOptions::default());
}

#[test]
fn a_folder_that_is_missing_or_full_hands_on_to_the_next() {
    let (good, bad) = (folder(), folder());
    let path = bad.path().join("nowhere/a.png");
    let missing = bad.path().join("missing");
    let saved = rescued(&[&missing, good.path()], &path, &EncodeOptions::default());
    assert_eq!(saved.parent(), Some(good.path()));
    let Some(full) = Mount::new("size=4k") else {
        return;
    };
    fs::write(full.path().join("all of it"), [1; 4096]).unwrap();
    let saved = rescued(
        &[full.path(), good.path()],
        &path,
        &EncodeOptions::default(),
    );
    assert_eq!(saved.parent(), Some(good.path()));
    assert_eq!(entries(full.path()).len(), 1, "no temporary file is left");
}

#[test]
fn a_provenance_that_no_format_takes_is_left_out_rather_than_the_picture() {
    let folder = folder();
    let options = EncodeOptions {
        provenance: Some("a".repeat(provenance::LONGEST + 1)),
        ..EncodeOptions::default()
    };
    let path = folder.path().join("a.png");
    let saved = rescued(&[folder.path()], &path, &options);
    assert_eq!(provenance::provenance(&saved), None);
}
