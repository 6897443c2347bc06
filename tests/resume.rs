//! Runs that end early: signals, kills, explosions, and going on afterwards with the same bytes.

mod common;

use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::studio::Studio;
use nst::picture::{Limits, Picture, decode};
use predicates::prelude::*;
use predicates::str::contains;

/// Flags of a run long enough to be interrupted, over two scales.
const RUN: [&str; 14] = [
    "--content",
    "photo.png",
    "--style",
    "painting.png",
    "--weights",
    "weights.safetensors",
    "--size",
    "40",
    "--min-size",
    "28",
    "--steps",
    "60",
    "--quiet",
    "--overwrite",
];

/// Flags of a run that keeps a checkpoint of every step.
const KEEP: [&str; 6] = [
    "-o",
    "out.png",
    "--checkpoint",
    "run.ckpt",
    "--checkpoint-every",
    "1",
];

fn nst(studio: &Studio, flags: &[&str]) -> Command {
    studio.process(&RUN, flags)
}

fn run(studio: &Studio, flags: &[&str]) -> assert_cmd::assert::Assert {
    assert_cmd::Command::from_std(nst(studio, flags)).assert()
}

fn picture(studio: &Studio, name: &str) -> Picture {
    decode(&studio.path(name), &Limits::default()).unwrap()
}

/// Starts a run and waits until its checkpoint is there.
fn start(studio: &Studio, flags: &[&str]) -> Child {
    let child = nst(studio, flags).spawn().unwrap();
    let begin = Instant::now();
    while !studio.path("run.ckpt").exists() && begin.elapsed() < Duration::from_mins(1) {
        sleep(Duration::from_millis(2));
    }
    child
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
}

#[cfg(unix)]
fn interrupted_run_ends_the_same(method: &str, name: &str, code: i32) {
    let studio = Studio::new();
    let method = ["--optimizer", method, "--average", "0.9", "--steps", "300"];
    run(&studio, &[&method[..], &["-o", "whole.png"]].concat()).success();
    let mut child = start(&studio, &[&method[..], &KEEP].concat());
    signal(&child, name);
    assert_eq!(child.wait().unwrap().code(), Some(code), "after {name}");
    assert_eq!(picture(&studio, "out.png").width, 40);
    assert!(studio.path("run.ckpt").exists());
    let go_on = ["-o", "out.png", "--resume", "run.ckpt"];
    run(&studio, &[&method[..], &go_on].concat()).success();
    let (whole, resumed) = (picture(&studio, "whole.png"), picture(&studio, "out.png"));
    assert!(
        whole.pixels == resumed.pixels,
        "the resumed picture differs"
    );
    assert!(
        !studio.path("run.ckpt").exists(),
        "a finished run needs no checkpoint"
    );
}

#[cfg(unix)]
#[test]
fn adam_interrupted_by_sigint_saves_its_picture_and_ends_the_same_when_resumed() {
    interrupted_run_ends_the_same("adam", "-INT", 130);
}

#[cfg(unix)]
#[test]
fn lbfgs_interrupted_by_sigterm_saves_its_picture_and_ends_the_same_when_resumed() {
    interrupted_run_ends_the_same("lbfgs", "-TERM", 143);
}

#[cfg(unix)]
#[test]
fn gradient_descent_interrupted_ends_the_same_when_resumed() {
    interrupted_run_ends_the_same("gd", "-INT", 130);
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_the_run_at_once() {
    let studio = Studio::new();
    // A size at which one step takes far longer than the second signal.
    let large = ["--size", "900", "--scales", "1"];
    let mut child = start(&studio, &[&KEEP[..], &large].concat());
    signal(&child, "-INT");
    sleep(Duration::from_millis(30));
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let saved = studio.path("out.png").exists();
    assert!(
        !saved,
        "the first signal alone would have saved the picture"
    );
}

/// The kills come at moments spread over the run, most while a checkpoint is being written.
#[test]
fn fifty_kills_with_a_resume_after_each_end_the_same() {
    let studio = Studio::new();
    let long = ["--steps", "1500"];
    run(&studio, &[&long[..], &["-o", "whole.png"]].concat()).success();
    let mut killed = 0;
    for attempt in 0..2000 {
        let keep = if studio.path("run.ckpt").exists() {
            ["--resume", "run.ckpt"]
        } else {
            ["--checkpoint", "run.ckpt"]
        };
        let every = ["-o", "out.png", "--checkpoint-every", "1"];
        let mut child = nst(&studio, &[&long[..], &keep, &every].concat())
            .spawn()
            .unwrap();
        if killed < 50 {
            sleep(Duration::from_millis(20 + 7 * (attempt % 9)));
            killed += u64::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
        }
        if child.wait().unwrap().success() {
            break;
        }
    }
    assert_eq!(killed, 50, "the run ended before it was killed fifty times");
    assert!(studio.bytes("whole.png") == studio.bytes("out.png"));
}

#[test]
fn a_run_out_of_patience_ends_before_its_steps_are_done_and_the_same_when_resumed() {
    let studio = Studio::new();
    let patient = ["--steps", "5000", "--patience", "10"];
    let whole = ["-o", "whole.png", "--json"];
    let done = run(&studio, &[&patient[..], &whole].concat()).success();
    let lines = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    let steps = last["steps"].as_u64().unwrap();
    assert!((20..4000).contains(&steps), "{steps} steps");
    let mut child = start(&studio, &[&patient[..], &KEEP].concat());
    child.kill().unwrap();
    child.wait().unwrap();
    let go_on = ["-o", "out.png", "--resume", "run.ckpt"];
    run(&studio, &[&patient[..], &go_on].concat()).success();
    assert!(studio.bytes("whole.png") == studio.bytes("out.png"));
}

#[test]
fn a_changed_flag_or_picture_is_refused_with_the_difference() {
    let studio = Studio::new();
    interrupted_by_a_full_stop(&studio);
    run(
        &studio,
        &[
            "-o", "out.png", "--resume", "run.ckpt", "--beta", "31", "--lr", "0.5",
        ],
    )
    .code(1)
    .stderr(contains("--beta is 31, was 20").and(contains("--lr is 0.5, was 0.02")));
    studio.draw("painting.png", 24, 37);
    run(&studio, &["-o", "out.png", "--resume", "run.ckpt"])
        .code(1)
        .stderr(contains("style picture 1's digest is"));
}

/// Leaves a checkpoint of a run that was killed.
fn interrupted_by_a_full_stop(studio: &Studio) {
    let mut child = start(studio, &KEEP);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_checkpoint_in_the_way_is_not_replaced_unasked() {
    let studio = Studio::new();
    studio.write("run.ckpt", "somebody's work");
    assert_cmd::Command::from_std({
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("nst"));
        command.current_dir(studio.folder()).args([
            "-c",
            "photo.png",
            "-s",
            "painting.png",
            "--checkpoint",
            "run.ckpt",
        ]);
        command
    })
    .assert()
    .code(1)
    .stderr(contains(
        "--checkpoint: run.ckpt: this is no checkpoint of nst",
    ));
    assert_eq!(studio.bytes("run.ckpt"), b"somebody's work");
}

#[test]
fn every_damage_to_a_checkpoint_is_an_error_with_its_name() {
    let studio = Studio::new();
    interrupted_by_a_full_stop(&studio);
    let whole = studio.bytes("run.ckpt");
    let mut cases: Vec<Vec<u8>> = [0, 1, 7, 8, 9, 100, whole.len() / 2, whole.len() - 1]
        .map(|length| whole[..length].to_vec())
        .into();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    for at in (8..header).step_by(header.div_ceil(24)) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x15;
        cases.push(damaged);
    }
    let mut not_finite = whole.clone();
    let end = not_finite.len();
    not_finite[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    cases.push(not_finite);
    for case in cases {
        std::fs::write(studio.path("bad.ckpt"), &case).unwrap();
        run(&studio, &["-o", "out.png", "--resume", "bad.ckpt"])
            .code(1)
            .stderr(contains("bad.ckpt").and(contains("panicked").not()));
    }
}

#[test]
fn a_step_size_that_explodes_ends_with_the_last_good_picture_and_says_so() {
    let studio = Studio::new();
    for init in ["content", "grey"] {
        let flags = ["--lr", "1e9", "--init", init, "-o", "out.png"];
        run(&studio, &flags)
            .code(1)
            .stderr(contains("the loss exploded").and(contains("--lr")));
        let saved = picture(&studio, "out.png");
        assert_eq!((saved.width, saved.height), (40, 30));
        let extreme = saved
            .pixels
            .iter()
            .filter(|&&v| v <= 0.0 || v >= 1.0)
            .count();
        assert!(
            extreme * 4 < saved.pixels.len(),
            "{extreme} samples at the ends, from {init}"
        );
    }
}
