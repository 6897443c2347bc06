//! Depth, limits, and what happens to a picture that cannot be written where it should.

#![cfg(feature = "cli")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::studio::{SHALLOW, Studio};
use nst::picture::{Depth, Limits, Picture, decode};
use predicates::prelude::*;
use predicates::str::contains;

fn read(path: &Path) -> Picture {
    decode(path, &Limits::default()).unwrap()
}

#[test]
fn depth_is_that_of_the_photo_unless_given() {
    let studio = Studio::new();
    image::ImageBuffer::<image::Rgb<u16>, _>::from_fn(20, 20, |x, y| {
        image::Rgb([(x * 3000) as u16, (y * 3000) as u16, 77])
    })
    .save(studio.path("deep.png"))
    .unwrap();
    for (content, flags, depth) in [
        ("photo.png", &[][..], Depth::Eight),
        ("photo.png", &["--depth", "16"], Depth::Sixteen),
        ("deep.png", &[], Depth::Sixteen),
        ("deep.png", &["--depth", "8"], Depth::Eight),
    ] {
        for output in ["out.png", "out.tif"] {
            studio
                .transfer()
                .args(["--overwrite", "-q", "-o", output])
                .args(flags)
                .args(["--content", content])
                .assert()
                .success();
            assert_eq!(
                read(&studio.path(output)).depth,
                depth,
                "{content} {flags:?}"
            );
        }
    }
}

#[test]
fn sixteen_bits_are_refused_for_formats_that_have_eight() {
    let studio = Studio::new();
    for (output, format) in [("out.jpg", "JPEG"), ("out.webp", "WebP")] {
        studio
            .transfer()
            .args(["--depth", "16", "-o", output])
            .assert()
            .code(2)
            .stderr(
                contains("--depth 16")
                    .and(contains(output))
                    .and(contains(format)),
            );
        assert!(!studio.path(output).exists());
    }
    studio
        .transfer()
        .args(["--depth", "12", "-o", "out.png"])
        .assert()
        .code(2)
        .stderr(contains("--depth"));
}

#[test]
fn max_pixels_bounds_every_picture_that_is_read() {
    let studio = Studio::new();
    studio.draw("large.png", 1001, 1000);
    for flag in ["--content", "--style", "--init"] {
        let large = |most: &str| {
            let mut command = studio.transfer();
            command.args(["--max-pixels", most, "--overwrite", "-o", "out.png"]);
            command.args([flag, "large.png"]);
            command
        };
        large("1")
            .assert()
            .code(1)
            .stderr(contains("large.png").and(contains("--max-pixels")));
        large("2").assert().success();
    }
    for nonsense in ["0", "-1", "nan", "1e3", "400000000"] {
        studio
            .transfer()
            .args(["-o", "new.png", &format!("--max-pixels={nonsense}")])
            .assert()
            .code(2)
            .stderr(contains("--max-pixels"));
    }
}

/// A file system of a few pages, unmounted at the end; none (and the reason printed) where that is
/// not allowed.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn new(folder: PathBuf) -> Option<Self> {
        std::fs::create_dir(&folder).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8k", "nst-test"])
            .arg(&folder)
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("skipped: mounting a tmpfs is not allowed here (it takes root)");
        }
        mounted.then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// The rescued picture that standard error speaks of, in this folder.
fn rescued(stderr: &[u8], folder: &Path) -> Picture {
    let text = String::from_utf8_lossy(stderr);
    let (_, path) = text
        .trim_end()
        .rsplit_once("the picture was saved as ")
        .expect(&text);
    assert!(path.starts_with(&folder.display().to_string()), "{path}");
    read(Path::new(path))
}

#[test]
fn a_full_disk_costs_no_picture_and_leaves_the_old_one() {
    let studio = Studio::new();
    let Some(disk) = SmallDisk::new(studio.path("disk")) else {
        return;
    };
    std::fs::create_dir(studio.path("rescue")).unwrap();
    studio.write("disk/out.png", "the old one");
    let run = studio
        .transfer()
        .env("TMPDIR", studio.path("rescue"))
        .args([
            "--init",
            "noise",
            "--size",
            "128",
            "-q",
            "--overwrite",
            "-o",
            "disk/out.png",
        ])
        .assert()
        .code(1)
        .stderr(contains("disk/out.png").and(contains("No space left")));
    let picture = rescued(&run.get_output().stderr, &studio.path("rescue"));
    assert_eq!((picture.width, picture.height), (128, 96));
    assert_eq!(studio.bytes("disk/out.png"), b"the old one");
    assert_eq!(studio.files_in("disk"), ["out.png"]);
    drop(disk);
}

#[test]
fn in_a_batch_a_full_disk_costs_no_picture_and_the_rest_go_on() {
    let studio = Studio::new();
    let Some(disk) = SmallDisk::new(studio.path("disk")) else {
        return;
    };
    std::fs::create_dir(studio.path("rescue")).unwrap();
    studio.write("jobs.csv", "output,size\ndisk/out.png,128\nout.png,16\n");
    let run = studio
        .nst()
        .env("TMPDIR", studio.path("rescue"))
        .args([
            "batch",
            "jobs.csv",
            "--",
            "--content",
            "photo.png",
            "--style",
            "painting.png",
        ])
        .args([
            "--weights",
            "weights.safetensors",
            "--init",
            "noise",
            "--steps",
            "1",
            "-q",
        ])
        .args(SHALLOW)
        .assert()
        .code(1)
        .stderr(contains("1 done, 0 skipped, 1 failed"));
    let text = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    let (failure, _) = text.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(
        rescued(failure.as_bytes(), &studio.path("rescue")).width,
        128
    );
    assert!(studio.files_in("disk").is_empty());
    assert_eq!(read(&studio.path("out.png")).width, 16);
    drop(disk);
}

#[cfg(unix)]
#[test]
fn a_folder_that_vanishes_while_painting_costs_no_picture() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let studio = Studio::new();
    for folder in ["gone", "rescue"] {
        std::fs::create_dir(studio.path(folder)).unwrap();
    }
    let mut run = studio
        .bare()
        .env("TMPDIR", studio.path("rescue"))
        .args([
            "-c",
            "photo.png",
            "-s",
            "painting.png",
            "-w",
            "weights.safetensors",
        ])
        .args(["--steps", "1000000", "--json", "-q", "-o", "gone/out.png"])
        .args(SHALLOW)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    std::fs::remove_dir(studio.path("gone")).unwrap();
    let id = run.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let drained = std::thread::spawn(move || lines.count());
    let output = run.wait_with_output().unwrap();
    drained.join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    rescued(&output.stderr, &studio.path("rescue"));
    assert!(!studio.path("gone").exists());
}
