//! Every photo of one folder in the style of every painting of another.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cli::flags::Flags;
use crate::cli::names::beginning;

/// Extensions of pictures that can be read, in lower case.
const READABLE: [&str; 8] = ["bmp", "gif", "jpeg", "jpg", "png", "tif", "tiff", "webp"];

/// The flags of a job for every photo and every painting, over those given for all. `--ext` is the
/// format of all of them.
pub fn pairs(
    photos: &Path,
    paintings: &Path,
    out: &Path,
    mut given: Flags,
) -> anyhow::Result<Vec<Flags>> {
    let extension = given.take("ext").unwrap_or_else(|| "png".into());
    let all = Folders {
        photos: pictures("--content", photos)?,
        paintings: pictures("--style", paintings)?,
    };
    let results: HashSet<_> = all.names(&extension).map(|(_, _, name)| name).collect();
    // A batch that paints into one of its own folders finds its earlier results there.
    let earlier = |folder: &Path, picture: &PathBuf| {
        same_folder(folder, out) && picture.file_name().is_some_and(|n| results.contains(n))
    };
    let own = Folders {
        photos: without(&all.photos, |picture| earlier(photos, picture)),
        paintings: without(&all.paintings, |picture| earlier(paintings, picture)),
    };
    let jobs = own.names(&extension).map(|(photo, painting, name)| {
        let mut job = given.clone();
        job.set("content", &[photo]);
        job.set("style", &[painting]);
        job.set("output", &[out.join(name)]);
        job
    });
    Ok(jobs.collect())
}

/// The pictures of both folders.
struct Folders {
    photos: Vec<PathBuf>,
    paintings: Vec<PathBuf>,
}

impl Folders {
    /// Each photo with each painting and the name of their result: `PHOTO_PAINTING.EXT`.
    fn names(&self, extension: &OsStr) -> impl Iterator<Item = (&PathBuf, &PathBuf, OsString)> {
        self.photos.iter().flat_map(move |photo| {
            self.paintings.iter().map(move |painting| {
                let mut name = beginning(label(photo, &self.photos));
                name.push("_");
                name.push(beginning(label(painting, &self.paintings)));
                name.push(".");
                name.push(extension);
                (photo, painting, name)
            })
        })
    }
}

/// What a picture is called in the names of its results: its name without the extension, unless
/// another picture of its folder would be called the same.
fn label<'a>(picture: &'a Path, folder: &[PathBuf]) -> &'a OsStr {
    let stem = |path: &Path| path.file_stem().map(OsStr::to_ascii_lowercase);
    let called_so = folder.iter().filter(|other| stem(other) == stem(picture));
    let label = if called_so.count() > 1 {
        picture.file_name()
    } else {
        picture.file_stem()
    };
    label.unwrap_or_default()
}

fn without(pictures: &[PathBuf], unwanted: impl Fn(&PathBuf) -> bool) -> Vec<PathBuf> {
    let kept = pictures.iter().filter(|picture| !unwanted(picture));
    kept.cloned().collect()
}

fn same_folder(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// The pictures in a folder by name; what is hidden or no picture by its extension is left out.
fn pictures(flag: &str, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = || format!("{flag} {}: the folder cannot be read", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        if !hidden && path.is_file() && READABLE.contains(&&*extension.to_ascii_lowercase()) {
            found.push(path);
        }
    }
    if found.is_empty() {
        anyhow::bail!(
            "{flag} {}: no picture is in it (named .{})",
            folder.display(),
            READABLE.join(", .")
        );
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the results, for folders of these files.
    fn names(photos: &[&str], paintings: &[&str], out_is_photos: bool) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (sub, files) in [("photos", photos), ("paintings", paintings), ("out", &[])] {
            fs::create_dir(path(sub)).unwrap();
            for file in files {
                fs::write(path(sub).join(file), "").unwrap();
            }
        }
        let out = path(if out_is_photos { "photos" } else { "out" });
        let mut given = Flags::default();
        given.set("ext", &["jpg"]);
        let jobs = pairs(&path("photos"), &path("paintings"), &out, given).unwrap();
        let outputs = jobs.iter().flat_map(|job| {
            assert!(!job.has("ext"), "the names say it");
            let written = job.written().into_iter();
            written.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        });
        outputs.collect()
    }

    #[test]
    fn results_are_named_after_both_in_the_format_asked_for() {
        assert_eq!(names(&["a.png"], &["x.png"], false), ["a_x.jpg"]);
    }

    #[test]
    fn pictures_that_differ_only_in_their_format_do_not_collide() {
        assert_eq!(
            names(&["A.jpg", "a.png", "b.png"], &["x.png"], false),
            ["A.jpg_x.jpg", "a.png_x.jpg", "b_x.jpg"]
        );
    }

    #[test]
    fn a_batch_into_its_own_folder_does_not_paint_its_results_again() {
        let photos = ["a.jpg", "a_x.jpg", "a_x_x.jpg", "b.png"];
        assert_eq!(names(&photos, &["x.png"], true), ["a_x.jpg", "b_x.jpg"]);
        assert_eq!(names(&photos, &["x.png"], false).len(), 4);
    }
}
