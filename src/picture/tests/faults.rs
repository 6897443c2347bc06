//! Real faults while writing: the old file is untouched, nothing temporary is left, and the picture is saved elsewhere.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{entries, folder, gradient, read};
use crate::files::FileError;
use crate::picture::{EncodeOptions, Film, Picture, PictureError, check_output, encode_or_rescue};

/// A small file system of its own, unmounted at the end; none (and the reason printed) where that is not allowed.
pub struct Mount(tempfile::TempDir);

impl Mount {
    pub fn new(options: &str) -> Option<Self> {
        let folder = folder();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "nst-test"])
            .arg(folder.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("skipped: mounting a tmpfs is not allowed here (it takes root)");
        }
        mounted.then_some(Self(folder))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    fn remount(&self, options: &str) {
        let status = Command::new("mount")
            .args(["-o", options])
            .arg(self.path())
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

fn overwriting() -> EncodeOptions {
    EncodeOptions {
        overwrite: true,
        provenance: Some("how it was made".to_owned()),
        ..EncodeOptions::default()
    }
}

/// Writes, expects failure and rescue, checks and removes the rescued file, and gives the reason of the failure.
fn rescued(picture: &Picture, path: &Path) -> PictureError {
    let error = encode_or_rescue(picture, path, &overwriting()).unwrap_err();
    let message = error.to_string();
    let PictureError::Rescued { saved, source } = error else {
        panic!("not rescued: {message}")
    };
    assert!(message.contains(&saved.display().to_string()), "{message}");
    assert!(message.contains(&path.display().to_string()), "{message}");
    assert_eq!(read(&saved).pixels, picture.pixels);
    assert_eq!(
        crate::picture::provenance(&saved).as_deref(),
        Some("how it was made")
    );
    fs::remove_file(saved).unwrap();
    *source
}

/// A picture no format makes small: 270 kB of pseudo-random samples.
pub fn noise(width: usize, height: usize) -> Picture {
    let mut state = 1_u32;
    let samples: Vec<f32> = (0..3 * width * height)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from((state >> 24) as u8) / 255.0
        })
        .collect();
    Picture::from_planes(width, height, &samples).unwrap()
}

#[test]
fn a_full_disk_leaves_the_old_file_and_saves_the_picture_elsewhere() {
    let Some(disk) = Mount::new("size=64k") else {
        return;
    };
    let picture = noise(300, 300);
    for name in ["a.png", "a.jpg", "a.webp", "a.tif"] {
        let path = disk.path().join(name);
        fs::write(&path, "the old picture").unwrap();
        let options = EncodeOptions {
            quality: Some(100),
            ..overwriting()
        };
        check_output(&path, &[], true).unwrap();
        let error = encode_or_rescue(&picture, &path, &options).unwrap_err();
        let PictureError::Rescued { saved, source } = error else {
            panic!("{name}: {error}")
        };
        fs::remove_file(saved).unwrap();
        let PictureError::File(FileError::NotWritten { source, .. }) = *source else {
            panic!("{name}: {source}")
        };
        assert_eq!(
            source.kind(),
            std::io::ErrorKind::StorageFull,
            "{name}: {source}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"the old picture");
        assert_eq!(
            entries(disk.path()),
            std::slice::from_ref(&path),
            "no temporary file is left"
        );
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_disk_that_fills_up_ends_a_film_and_leaves_the_old_one() {
    let Some(disk) = Mount::new("size=64k") else {
        return;
    };
    let path = disk.path().join("a.gif");
    fs::write(&path, "the old film").unwrap();
    let mut film = Film::create(&path, 100, 100).unwrap();
    let picture = noise(100, 100);
    let error = (0..20)
        .find_map(|_| film.push(&picture).err())
        .expect("200 kB do not fit");
    let PictureError::File(FileError::NotWritten { source, .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    // Even with room again, half a frame must not become a film.
    disk.remount("remount,size=4m");
    assert!(film.push(&picture).is_err() && film.finish(true).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"the old film");
    assert_eq!(entries(disk.path()), [path]);
}

#[test]
fn a_file_system_that_became_read_only_leaves_the_old_file_and_saves_the_picture_elsewhere() {
    let Some(disk) = Mount::new("size=1m") else {
        return;
    };
    let path = disk.path().join("a.png");
    fs::write(&path, "the old picture").unwrap();
    check_output(&path, &[], true).unwrap();
    disk.remount("remount,ro");
    let error = check_output(&path, &[], true).unwrap_err();
    assert!(
        matches!(
            error,
            PictureError::File(FileError::FolderNotWritable { .. })
        ),
        "{error}"
    );
    assert!(matches!(
        rescued(&gradient(9, 9, 256.0), &path),
        PictureError::File(FileError::NotWritten { .. })
    ));
    assert_eq!(fs::read(&path).unwrap(), b"the old picture");
    assert_eq!(entries(disk.path()), [path]);
}

#[test]
fn a_folder_that_vanished_since_the_check_costs_no_picture() {
    let folder = folder();
    let gone = folder.path().join("gone");
    fs::create_dir(&gone).unwrap();
    let path = gone.join("a.png");
    check_output(&path, &[], false).unwrap();
    fs::remove_dir(&gone).unwrap();
    assert!(matches!(
        rescued(&gradient(9, 9, 256.0), &path),
        PictureError::File(FileError::NotWritten { .. })
    ));
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn a_picture_whose_name_is_too_long_is_saved_under_a_shorter_one() {
    let folder = folder();
    let path = folder.path().join(format!("{}.png", "ä".repeat(200)));
    rescued(&gradient(4, 4, 256.0), &path);
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn a_rename_that_fails_leaves_no_temporary_file_and_costs_no_picture() {
    let folder = folder();
    let path = folder.path().join("a.png");
    check_output(&path, &[], true).unwrap();
    // No file can be renamed over a folder.
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), "kept").unwrap();
    assert!(matches!(
        rescued(&gradient(9, 9, 256.0), &path),
        PictureError::File(FileError::NotWritten { .. })
    ));
    assert_eq!(entries(folder.path()), std::slice::from_ref(&path));
    assert_eq!(fs::read(path.join("inside")).unwrap(), b"kept");
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_refused_before_any_work() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.path().join("probe"), "").is_ok() {
        eprintln!("skipped: permissions do not bind this user (root)");
        return;
    }
    let error = check_output(&folder.path().join("a.png"), &[], true).unwrap_err();
    assert!(
        matches!(
            error,
            PictureError::File(FileError::FolderNotWritable { .. })
        ),
        "{error}"
    );
}

#[test]
fn pictures_rescued_from_two_failures_do_not_replace_each_other() {
    let folder = folder();
    let path = folder.path().join("nowhere").join("twice.png");
    let save = |picture: &Picture| match encode_or_rescue(picture, &path, &overwriting()) {
        Err(PictureError::Rescued { saved, .. }) => saved,
        other => panic!("{other:?}"),
    };
    let (first, second) = (save(&gradient(2, 2, 256.0)), save(&gradient(3, 3, 256.0)));
    assert_ne!(first, second);
    assert_eq!((read(&first).width, read(&second).width), (2, 3));
    fs::remove_file(first).unwrap();
    fs::remove_file(second).unwrap();
}

#[test]
fn a_provenance_too_long_for_a_jpeg_is_no_reason_to_lose_the_picture() {
    let folder = folder();
    let path = folder.path().join("a.jpg");
    let mut options = EncodeOptions {
        provenance: Some("a".repeat(65_000)),
        ..overwriting()
    };
    encode_or_rescue(&gradient(5, 4, 256.0), &path, &options).unwrap();
    assert_eq!(crate::picture::provenance(&path), options.provenance);
    fs::remove_file(&path).unwrap();
    options.provenance = Some("long ".repeat(20_000));
    let error = encode_or_rescue(&gradient(5, 4, 256.0), &path, &options).unwrap_err();
    let PictureError::Rescued { saved, source } = error else {
        panic!("{error}")
    };
    assert!(matches!(*source, PictureError::Encoding { .. }), "{source}");
    assert_eq!(crate::picture::provenance(&saved), options.provenance);
    assert!(entries(folder.path()).is_empty());
    fs::remove_file(saved).unwrap();
}
