//! What may lie at a path besides a good picture of the right name.

use std::fs;
use std::path::Path;

use super::{folder, gradient, read, refusal, write};
use crate::picture::{Depth, Limits, Note, PictureError, decode};

#[test]
fn an_empty_file_is_refused_by_name() {
    let folder = folder();
    let path = folder.path().join("void.png");
    fs::write(&path, "").unwrap();
    let error = refusal(&path);
    assert!(matches!(error, PictureError::Empty { .. }));
    assert!(error.to_string().contains("void.png"));
}

#[test]
fn a_text_file_is_refused_by_name() {
    let folder = folder();
    let path = folder.path().join("letter.jpg");
    fs::write(&path, "Dear decoder, this is no picture.").unwrap();
    let error = refusal(&path);
    assert!(matches!(error, PictureError::UnknownFormat { .. }));
    assert!(error.to_string().contains("letter.jpg"));
}

#[test]
fn a_picture_of_a_format_not_read_is_refused() {
    let folder = folder();
    let path = folder.path().join("old.png");
    fs::write(&path, "P3 1 1 255 1 2 3").unwrap();
    assert!(matches!(refusal(&path), PictureError::UnknownFormat { .. }));
}

#[test]
fn a_folder_is_refused() {
    let folder = folder();
    let error = refusal(folder.path());
    assert!(matches!(
        error,
        PictureError::NotAFile {
            kind: "a folder",
            ..
        }
    ));
}

#[test]
fn a_missing_file_is_refused() {
    let error = refusal(Path::new("/no/such/photo.jpg"));
    assert!(matches!(error, PictureError::Missing { .. }));
    assert!(error.to_string().contains("/no/such/photo.jpg"));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_without_waiting_for_a_writer() {
    use std::process::Command;
    use std::sync::mpsc;
    use std::time::Duration;

    let folder = folder();
    let path = folder.path().join("pipe.png");
    if !Command::new("mkfifo")
        .arg(&path)
        .status()
        .is_ok_and(|s| s.success())
    {
        eprintln!("skipped: no mkfifo command here");
        return;
    }
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(refusal(&path)));
    let error = receiver
        .recv_timeout(Duration::from_secs(10))
        .expect("an answer, not a wait for a writer");
    assert!(matches!(error, PictureError::NotAFile { .. }));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_the_system_will_not_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    let locked = write(
        &gradient(2, 2, 256.0),
        folder.path(),
        "locked.png",
        Depth::Eight,
    );
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // Permissions do not stop root; a regular file of the kernel whose first page cannot be read does.
    let path = match fs::read(&locked) {
        Err(_) => locked.as_path(),
        Ok(_) => Path::new("/proc/self/mem"),
    };
    let error = refusal(path);
    assert!(matches!(error, PictureError::Unreadable { .. }), "{error}");
    assert!(error.to_string().contains(&path.display().to_string()));
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_unicode_is_read_and_written() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = folder();
    let good = write(&gradient(3, 2, 256.0), folder.path(), "a.png", Depth::Eight);
    let odd = folder.path().join(OsStr::from_bytes(b"\xff\xfe.png"));
    if fs::rename(&good, &odd).is_err() {
        eprintln!("skipped: this file system takes only Unicode names");
        return;
    }
    assert_eq!(read(&odd).width, 3);
    super::encode(
        &gradient(4, 2, 256.0),
        &odd,
        &super::EncodeOptions {
            overwrite: true,
            ..Default::default()
        },
    )
    .unwrap();
    assert_eq!(read(&odd).width, 4);
    // Errors about it can still be printed.
    fs::write(&odd, "").unwrap();
    assert!(refusal(&odd).to_string().contains(".png"));
}

#[test]
fn a_name_with_a_leading_dash_is_read_and_written() {
    let folder = folder();
    let path = write(
        &gradient(3, 2, 256.0),
        folder.path(),
        "-o.png",
        Depth::Eight,
    );
    assert_eq!(read(&path).width, 3);
}

#[test]
fn the_content_decides_the_format_not_the_name() {
    let folder = folder();
    let tiff = write(&gradient(3, 2, 256.0), folder.path(), "a.tif", Depth::Eight);
    let lie = folder.path().join("a.JPG");
    fs::rename(tiff, &lie).unwrap();
    let picture = read(&lie);
    assert_eq!(picture.pixels, gradient(3, 2, 256.0).pixels);
    assert_eq!(
        picture.notes,
        [Note::WrongExtension("JPG".to_owned(), "TIFF")]
    );
    let nameless = folder.path().join("nameless");
    fs::rename(lie, &nameless).unwrap();
    assert_eq!(read(&nameless).notes, []);
}

#[test]
fn more_pixels_than_allowed_are_refused_with_the_flag_to_raise() {
    let folder = folder();
    let most = |max_pixels| Limits {
        max_pixels,
        ..Limits::default()
    };
    for name in ["a.png", "a.jpg", "a.webp", "a.tif"] {
        let path = write(&gradient(10, 10, 256.0), folder.path(), name, Depth::Eight);
        let error = decode(&path, &most(99)).unwrap_err();
        assert!(
            matches!(
                error,
                PictureError::TooManyPixels {
                    width: 10,
                    height: 10,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains("--max-pixels"), "{error}");
        decode(&path, &most(100)).unwrap();
    }
}

#[test]
fn a_file_longer_than_any_allowed_picture_is_not_read() {
    let folder = folder();
    let path = folder.path().join("endless.jpg");
    let file = fs::File::create(&path).unwrap();
    // Sparse: takes no space on the disk.
    file.set_len(80 * 1024 * 1024).unwrap();
    let error = decode(
        &path,
        &Limits {
            max_pixels: 1_000_000,
            ..Limits::default()
        },
    )
    .unwrap_err();
    assert!(
        matches!(error, PictureError::TooMuchMemory { .. }),
        "{error}"
    );
}
