//! What a run writes: nothing of the user's is replaced, and what cannot be is refused before the work.

#![cfg(feature = "cli")]

mod common;

use assert_cmd::Command;
use common::studio::Studio;
use nst::picture::{Limits, decode};
use predicates::prelude::*;
use predicates::str::contains;

/// A transfer that would fail at its network, so that whatever is refused is refused before.
fn doomed(studio: &Studio) -> Command {
    let mut command = studio.transfer();
    command.args(["--weights", "nothing.safetensors"]);
    command
}

/// A transfer with these flags is refused with all the reasons, before its network, and changes no file.
#[track_caller]
fn assert_refused(studio: &Studio, flags: &[&str], reasons: &[&str]) {
    let before: Vec<_> = snapshot(studio);
    let run = doomed(studio).args(flags).assert().failure();
    let text = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    for reason in reasons {
        assert!(text.contains(reason), "{flags:?}: {reason}: {text}");
    }
    assert!(!text.contains("nothing.safetensors"), "{flags:?}: {text}");
    assert_eq!(before, snapshot(studio), "{flags:?}");
}

fn snapshot(studio: &Studio) -> Vec<(String, Option<Vec<u8>>)> {
    let files = studio.files().into_iter();
    files
        .map(|name| {
            let bytes = std::fs::read(studio.path(&name)).ok();
            (name, bytes)
        })
        .collect()
}

#[test]
fn no_output_replaces_an_input_even_with_overwrite() {
    let studio = Studio::new();
    image::RgbImage::new(20, 20)
        .save(studio.path("photo.gif"))
        .unwrap();
    studio.draw("shot-00001.png", 20, 20);
    for (flags, flag) in [
        (
            &["--content", "photo.gif", "--timelapse", "photo.gif"][..],
            "--timelapse",
        ),
        (
            &[
                "--style",
                "photo.gif",
                "--timelapse",
                "./PHOTO/../photo.gif",
            ],
            "photo.gif",
        ),
        (
            &["--init", "photo.gif", "--timelapse", "photo.gif"],
            "--timelapse",
        ),
        (
            &["--content-mask", "photo.gif", "--timelapse", "photo.gif"],
            "--timelapse",
        ),
        (&["--checkpoint", "photo.png"], "--checkpoint"),
        (
            &[
                "--checkpoint",
                "weights.safetensors",
                "--weights",
                "weights.safetensors",
            ],
            "--checkpoint",
        ),
        (
            &[
                "--content",
                "shot-00001.png",
                "--frames",
                "shot-%05d.png",
                "--save-every",
                "1",
            ],
            "--frames",
        ),
        (&["-o", "painting.png"], "painting.png"),
    ] {
        let flags = [&["-o", "out.png", "--overwrite"], flags].concat();
        assert_refused(&studio, &flags, &[flag]);
    }
}

#[test]
fn two_outputs_are_never_one_file() {
    let studio = Studio::new();
    std::fs::create_dir(studio.path("sub")).unwrap();
    for (flags, reasons) in [
        (
            &["-o", "a.png", "--checkpoint", "a.png"][..],
            &["--checkpoint", "the result"][..],
        ),
        (
            &["-o", "a.png", "--checkpoint", "sub/../a.png"],
            &["--checkpoint", "the result"],
        ),
        (
            &["-o", "a.png", "--checkpoint", "A.png"],
            &["--checkpoint", "the result"],
        ),
        (
            &["--timelapse", "a.gif", "--checkpoint", "./a.gif"],
            &["--checkpoint", "--timelapse"],
        ),
        (
            &[
                "-o",
                "a-00002.png",
                "--save-every",
                "2",
                "--frames",
                "a-%05d.png",
            ],
            &["--frames", "step 2"],
        ),
        (
            &[
                "--checkpoint",
                "f2.png",
                "--save-every",
                "1",
                "--frames",
                "f%d.png",
            ],
            &["--checkpoint", "step 2"],
        ),
    ] {
        for overwrite in [&[][..], &["--overwrite"]] {
            assert_refused(&studio, &[flags, overwrite].concat(), reasons);
        }
    }
}

#[test]
fn a_file_that_is_no_checkpoint_is_neither_replaced_nor_removed_as_one() {
    let studio = Studio::new();
    studio.write("notes.txt", "somebody's work");
    for flag in ["--checkpoint", "--resume"] {
        for overwrite in [&[][..], &["--overwrite"]] {
            let flags = [&["-o", "out.png", flag, "notes.txt"], overwrite].concat();
            assert_refused(
                &studio,
                &flags,
                &[flag, "notes.txt", "no checkpoint of nst"],
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn a_device_or_pipe_given_as_a_checkpoint_is_refused_and_not_read() {
    let studio = Studio::new();
    let made = std::process::Command::new("mkfifo")
        .arg(studio.path("pipe"))
        .status();
    assert!(made.unwrap().success());
    for name in ["/dev/zero", "pipe", "."] {
        for flag in ["--checkpoint", "--resume"] {
            let run = doomed(&studio)
                .args(["-o", "out.png", flag, name])
                .timeout(std::time::Duration::from_mins(1))
                .assert();
            run.code(1)
                .stderr(contains(flag).and(contains("it is no file")));
        }
    }
}

#[test]
fn side_outputs_that_cannot_be_written_are_refused_before_the_work() {
    let studio = Studio::new();
    studio.write("film.gif", "somebody's film");
    studio.draw("out-00002.png", 20, 20);
    let long = format!("{}.png", "x".repeat(300));
    for (flags, reasons) in [
        (
            &["--save-every", "1", "--frames", "nowhere/%d.png"][..],
            &["--frames", "nowhere"][..],
        ),
        (
            &["--save-every", "1", "--frames", "f%d.xyz"],
            &["--frames", "f1.xyz"],
        ),
        (
            &["--save-every", "1", "--frames", "f%s.png"],
            &["--frames", "%05d"],
        ),
        (
            &["--save-every", "1"],
            &["--save-every", "out-00002.png", "exists already"],
        ),
        (
            &["--timelapse", "film.gif"],
            &["--timelapse", "exists already"],
        ),
        (&["--timelapse", "film.mp4"], &["--timelapse", ".gif"]),
        (
            &["--timelapse", "nowhere/film.gif"],
            &["--timelapse", "nowhere"],
        ),
        (
            &["--checkpoint", "nowhere/run.ckpt"],
            &["--checkpoint", "nowhere"],
        ),
        (
            &["--resume", "run.ckpt"],
            &["--resume", "there is no such file"],
        ),
        (&["-o", &long], &["File name too long"]),
        (
            &["-o", "wide.webp", "--size", "16384x"],
            &["wide.webp", "16383"],
        ),
        (
            &[
                "--size",
                "16384x",
                "--save-every",
                "1",
                "--frames",
                "f%d.webp",
            ],
            &["--frames", "16383"],
        ),
    ] {
        let memory = ["--max-memory", "1000TiB", "-o", "out.png"];
        assert_refused(&studio, &[&memory[..], flags].concat(), reasons);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_checkpoint_folder_that_takes_no_file_is_refused_before_the_work() {
    let studio = Studio::new();
    assert_refused(
        &studio,
        &["-o", "out.png", "--checkpoint", "/proc/run.ckpt"],
        &["--checkpoint", "no file can be written"],
    );
}

#[test]
fn a_result_whose_name_looks_like_a_pattern_has_frames() {
    let studio = Studio::new();
    let flags = ["-q", "-o", "50%.png", "--save-every", "2"];
    studio.transfer().args(flags).assert().success();
    assert!(studio.path("50%-00002.png").exists());
}

#[test]
fn a_name_made_of_long_names_can_be_written() {
    let studio = Studio::new();
    let (photo, painting) = (
        format!("{}.png", "p".repeat(200)),
        format!("{}.png", "q".repeat(200)),
    );
    for name in [&photo, &painting] {
        studio.draw(name, 20, 20);
    }
    let flags = ["-q", "-c", &photo, "--save-every", "3", "-s", &painting];
    studio
        .nst()
        .args(&flags[..5])
        .args(&flags[5..])
        .args(["-w", "weights.safetensors", "--size", "16", "--steps", "3"])
        .args(common::studio::SHALLOW)
        .assert()
        .success();
    let name = format!("{}_{}", "p".repeat(100), "q".repeat(100));
    assert!(studio.path(&format!("{name}.png")).exists());
    assert!(studio.path(&format!("{name}-00003.png")).exists());
}

#[cfg(unix)]
#[test]
fn a_frame_that_cannot_be_written_costs_the_frame_and_not_the_picture() {
    let studio = Studio::new();
    std::fs::create_dir(studio.path("frames")).unwrap();
    let mut run = std::process::Command::new(assert_cmd::cargo::cargo_bin!("nst"))
        .current_dir(studio.folder())
        .args([
            "-c",
            "photo.png",
            "-s",
            "painting.png",
            "-w",
            "weights.safetensors",
        ])
        .args(["--steps", "4000", "--size", "16", "-q", "-o", "out.png"])
        .args(["--save-every", "1", "--frames", "frames/%d.png"])
        .args(common::studio::SHALLOW)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    common::batch::wait_until(|| studio.path("frames/1.png").exists());
    std::fs::rename(studio.path("frames"), studio.path("gone")).unwrap();
    common::batch::send("-INT", run.id());
    let _ = run.wait().unwrap();
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text.matches("the run goes on").count(), 1, "{text}");
    assert!(text.contains("the picture is saved, but"), "{text}");
    assert_eq!(output.status.code(), Some(1));
    decode(&studio.path("out.png"), &Limits::default()).unwrap();
}

#[cfg(unix)]
#[test]
fn a_file_size_limit_costs_no_picture_where_a_smaller_file_fits() {
    let studio = Studio::new();
    std::fs::create_dir(studio.path("rescue")).unwrap();
    let nst = assert_cmd::cargo::cargo_bin!("nst");
    let flags = [
        "--init", "noise", "--size", "200", "--steps", "1", "-q", "-o",
    ];
    let size = |name: &str| {
        let run = studio.transfer().args(flags).arg(name).assert();
        run.success();
        studio.bytes(name).len()
    };
    let (small, large) = (size("small.png"), size("large.tif"));
    assert!(small + 1024 < large, "{small} and {large} bytes");
    // In blocks of 512 bytes.
    let limit = usize::midpoint(small, large) / 512;
    let limited = studio.transfer();
    let run = Command::new("sh")
        .current_dir(studio.folder())
        .env("TMPDIR", studio.path("rescue"))
        .args(["-c", &format!("ulimit -f {limit}; exec \"$0\" \"$@\"")])
        .arg(nst)
        .args(limited.get_args())
        .args(flags)
        .arg("out.tif")
        .assert()
        .code(1);
    let text = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        text.contains("File too large") && text.contains("was saved as"),
        "{text}"
    );
    assert_eq!(studio.files_in("rescue").len(), 1);
}

#[test]
fn a_backend_that_turns_out_to_be_the_cpu_is_held_to_its_memory() {
    let studio = Studio::new();
    studio
        .transfer()
        .env("VK_DRIVER_FILES", "/nonexistent.json")
        .env("VK_ICD_FILENAMES", "/nonexistent.json")
        .env_remove("NST_SOFTWARE_GPU")
        .args(["--backend", "auto", "--max-memory", "1MiB", "-o", "out.png"])
        .assert()
        .code(2)
        .stderr(contains("1.0 MiB"));
}
