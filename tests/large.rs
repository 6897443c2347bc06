//! Pictures that do not fit the memory as a whole.

mod common;

use std::process::Command;

use common::studio::Studio;
use nst::picture::{Limits, Picture, decode};
use predicates::prelude::*;
use predicates::str::contains;

/// Flags of a picture whose maps take more memory than [`LITTLE`].
const LARGE: [&str; 6] = ["--size", "500", "--scales", "1", "--steps", "2"];
/// As a whole it takes about 450 MiB.
const LITTLE: [&str; 2] = ["--max-memory", "230MiB"];

fn picture(studio: &Studio, name: &str) -> Picture {
    decode(&studio.path(name), &Limits::default()).unwrap()
}

/// The difference of two pictures' samples that one in ten thousand exceeds: after a step, rounding can
/// turn a ReLU on or off, which moves the few pixels around it.
fn difference(a: &Picture, b: &Picture) -> f32 {
    let off = a.pixels.iter().zip(&b.pixels).map(|(a, b)| (a - b).abs());
    let mut off: Vec<_> = off.collect();
    off.sort_by(f32::total_cmp);
    off[off.len() - 1 - off.len() / 10_000]
}

#[test]
fn what_does_not_fit_is_painted_in_tiles_and_says_so_and_can_be_replayed() {
    let studio = Studio::new();
    let painted = |more: &[&str]| studio.transfer().args(LARGE).args(more).assert().success();
    painted(&["-o", "whole.png", "--depth", "16"]).stderr(contains("--tile").not());
    let tiled = [&LITTLE[..], &["-o", "tiled.png", "--depth", "16"]].concat();
    painted(&tiled).stderr(contains("painting in tiles of").and(contains("230.0 MiB")));
    let off = difference(
        &picture(&studio, "whole.png"),
        &picture(&studio, "tiled.png"),
    );
    assert!(off < 2e-4, "off by {off}");
    let replay = studio
        .nst()
        .args(["replay", "tiled.png"])
        .assert()
        .success();
    let command = String::from_utf8(replay.get_output().stdout.clone()).unwrap();
    assert!(command.contains("--tile"), "{command}");
    let bytes = studio.bytes("tiled.png");
    let again = ["replay", "tiled.png", "--run", "--overwrite"];
    studio.nst().args(again).assert().success();
    assert!(studio.bytes("tiled.png") == bytes, "other bytes");
}

#[test]
fn a_plan_shows_the_tiles_and_what_they_cost() {
    let studio = Studio::new();
    let plan = |more: &[&str]| {
        let mut command = studio.nst();
        command.args(["plan", "photo.png", "painting.png", "--scales", "1"]);
        command
            .args(["--size", "2048"])
            .args(more)
            .assert()
            .success()
    };
    plan(&["--max-memory", "100GiB"]).stdout(contains("tiles:").not());
    let said = plan(&["--max-memory", "1536MiB"]).stdout(contains("times the work"));
    let said = String::from_utf8(said.get_output().stdout.clone()).unwrap();
    assert!(said.contains("112 px around"), "{said}");
}

#[test]
fn a_run_goes_on_in_the_tiles_that_it_began_with() {
    let studio = Studio::new();
    let flags = [&LARGE[..], &["--checkpoint", "run.ckpt"]].concat();
    studio
        .transfer()
        .args(&flags)
        .args([
            "--tile",
            "128",
            "--checkpoint-every",
            "1",
            "-o",
            "whole.png",
        ])
        .assert()
        .success();
    let begun = ["--tile", "128", "--checkpoint-every", "1", "-o", "part.png"];
    let mut child = studio.process(&TRANSFER, &[&flags[..], &begun].concat());
    let mut child = child.spawn().unwrap();
    while !studio.path("run.ckpt").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended first");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    studio
        .transfer()
        .args(LARGE)
        .args(["--resume", "run.ckpt", "-o", "part.png"])
        .assert()
        .success();
    assert!(picture(&studio, "part.png") == picture(&studio, "whole.png"));
}

/// What [`Studio::transfer`] gives, for [`Studio::process`].
const TRANSFER: [&str; 6] = [
    "--content",
    "photo.png",
    "--style",
    "painting.png",
    "--weights",
    "weights.safetensors",
];

/// A transfer by the built-in network at 2048 px, in the address space that `ulimit -v` leaves it.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "paints 2048 px: minutes"]
fn two_gibibytes_of_address_space_are_enough_for_2048_px() {
    let studio = Studio::new();
    let nst = assert_cmd::cargo::cargo_bin!("nst").display().to_string();
    let line = format!(
        "ulimit -v 2097152; exec {nst} photo.png painting.png --weights builtin --size 2048 \
         --scales 1 --steps 1 -o out.png"
    );
    let output = Command::new("sh")
        .args(["-c", &line])
        .current_dir(studio.folder())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("painting in tiles of"), "{said}");
    assert_eq!(picture(&studio, "out.png").width, 2048);
}
