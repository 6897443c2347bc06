//! The same command, given again, goes on; and what it finds in its way is replaced only if it is its own.

#![cfg(all(feature = "cli", unix))]

mod common;

use std::process::{Child, Command, Stdio};

use common::batch::{DEFAULTS, batch, send, spawn, wait_until};
use common::studio::{SHALLOW, Studio};
use nst::picture::provenance;
use predicates::prelude::*;
use predicates::str::contains;

/// A run that keeps a checkpoint of every step, over two scales.
const RUN: [&str; 16] = [
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
    "150",
    "-o",
    "out.png",
    "--checkpoint-every",
    "1",
];

const KEEP: [&str; 2] = ["--checkpoint", "run.ckpt"];

fn nst(studio: &Studio, flags: &[&str]) -> Command {
    studio.process(&RUN, flags)
}

fn run(studio: &Studio, flags: &[&str]) -> assert_cmd::assert::Assert {
    assert_cmd::Command::from_std(nst(studio, flags)).assert()
}

/// A run, once this file of it is there.
fn started(studio: &Studio, flags: &[&str], file: &str) -> Child {
    let child = nst(studio, flags).spawn().unwrap();
    wait_until(|| studio.path(file).exists());
    child
}

/// Interrupts a run when this file of it is there; the picture so far is saved.
fn interrupt(studio: &Studio, flags: &[&str], file: &str) {
    let mut child = started(studio, flags, file);
    send("-INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(studio.path("out.png").exists());
}

/// Kills a run when this file of it is there.
fn kill(studio: &Studio, flags: &[&str], file: &str) {
    let mut child = started(studio, flags, file);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The bytes of the whole picture of a run that nothing stops.
fn whole(studio: &Studio, flags: &[&str]) -> Vec<u8> {
    run(studio, &[flags, &["-o", "whole.png", "-q"]].concat()).success();
    studio.bytes("whole.png")
}

#[test]
fn after_an_interruption_the_same_command_goes_on_to_the_same_bytes() {
    let studio = Studio::new();
    let expected = whole(&studio, &[]);
    interrupt(&studio, &KEEP, "run.ckpt");
    run(&studio, &KEEP)
        .success()
        .stderr(contains("note: going on after step "));
    assert!(studio.bytes("out.png") == expected);
    assert!(!studio.path("run.ckpt").exists());
}

#[test]
fn after_a_kill_the_same_command_goes_on_and_its_frames_and_film_do_too() {
    let studio = Studio::new();
    let expected = whole(&studio, &[]);
    let flags = [
        &KEEP[..],
        &["-q", "--save-every", "10", "--timelapse", "film.gif"],
    ]
    .concat();
    kill(&studio, &flags, "out-00020.png");
    let early = studio.bytes("out-00010.png");
    run(&studio, &flags).success();
    assert!(studio.bytes("out.png") == expected);
    assert!(studio.bytes("out-00010.png") == early);
    let frames = studio
        .files()
        .into_iter()
        .filter(|name| name.starts_with("out-"));
    assert_eq!(frames.count(), (75 + 150) / 10);
    assert!(studio.path("film.gif").exists());
}

#[test]
fn a_run_that_goes_on_films_the_rest_beside_the_film_of_its_beginning() {
    let studio = Studio::new();
    let flags = [&KEEP[..], &["--timelapse", "film.gif"]].concat();
    interrupt(&studio, &flags, "run.ckpt");
    let beginning = studio.bytes("film.gif");
    run(&studio, &flags)
        .success()
        .stderr(contains("the film goes on as film-"));
    assert!(studio.bytes("film.gif") == beginning);
    let films = studio.files().into_iter();
    let films = films.filter(|name| name.starts_with("film"));
    assert_eq!(films.count(), 2);
}

#[test]
fn a_kill_before_the_first_checkpoint_leaves_frames_that_the_same_command_replaces() {
    let studio = Studio::new();
    let flags = ["-q", "--save-every", "1"];
    kill(&studio, &flags, "out-00003.png");
    run(&studio, &[&flags[..], &["--beta", "31"]].concat())
        .code(1)
        .stderr(contains("--save-every: out-00001.png: exists already"));
    run(&studio, &flags).success();
}

#[test]
fn a_checkpoint_of_another_run_is_refused_with_the_difference_unless_it_starts_afresh() {
    let studio = Studio::new();
    kill(&studio, &KEEP, "run.ckpt");
    let kept = studio.bytes("run.ckpt");
    let other = [&KEEP[..], &["--beta", "31"]].concat();
    run(&studio, &other)
        .code(1)
        .stderr(contains("--beta is 31, was 20").and(contains("--overwrite")));
    assert!(studio.bytes("run.ckpt") == kept);
    assert!(!studio.path("out.png").exists());
    run(&studio, &[&other[..], &["--overwrite"]].concat())
        .success()
        .stderr(contains("going on").not());
    assert!(!studio.path("run.ckpt").exists());
}

#[test]
fn a_run_goes_on_only_with_the_backend_and_the_instructions_it_began_with() {
    let studio = Studio::new();
    kill(&studio, &KEEP, "run.ckpt");
    if nst::kernels::Isa::chosen() != nst::kernels::Isa::Plain {
        let mut other = nst(&studio, &KEEP);
        other.env("NST_ISA", "scalar");
        assert_cmd::Command::from_std(other)
            .assert()
            .code(1)
            .stderr(contains("the instruction set is scalar, was "));
    }
    // No GPU to be found, so `auto` is the CPU.
    let mut auto = nst(&studio, &[&KEEP[..], &["--backend", "auto"]].concat());
    auto.env("VK_DRIVER_FILES", "/nonexistent.json")
        .env("VK_ICD_FILENAMES", "/nonexistent.json");
    if cfg!(target_os = "linux") {
        assert_cmd::Command::from_std(auto)
            .assert()
            .success()
            .stderr(contains("going on after step"));
    }
}

#[test]
fn going_on_replaces_no_picture_but_that_of_its_own_interruption() {
    let studio = Studio::new();
    kill(&studio, &KEEP, "run.ckpt");
    studio.draw("out.png", 20, 20);
    let precious = studio.bytes("out.png");
    for flags in [&KEEP[..], &["--resume", "run.ckpt"]] {
        run(&studio, flags).code(1).stderr(
            contains("out.png: exists already").and(contains("--resume run.ckpt --overwrite")),
        );
        assert!(studio.bytes("out.png") == precious);
    }
    run(&studio, &["--resume", "run.ckpt", "--overwrite"])
        .success()
        .stderr(contains("going on after step"));
}

#[test]
fn an_interrupted_picture_is_replaced_by_the_same_command_and_no_other() {
    let studio = Studio::new();
    let long = ["--steps", "100000", "--save-every", "5"];
    interrupt(&studio, &long, "out-00005.png");
    let beginning = studio.bytes("out.png");
    run(&studio, &["--beta", "31"])
        .code(1)
        .stderr(contains("out.png: exists already"));
    studio.draw("painting.png", 25, 36);
    run(&studio, &[]).code(1).stderr(contains("exists already"));
    assert!(studio.bytes("out.png") == beginning);
    studio.draw("painting.png", 24, 36);
    std::fs::remove_file(studio.path("out-00005.png")).unwrap();
    interrupt(&studio, &long, "out-00005.png");
}

#[test]
fn a_batch_that_keeps_checkpoints_can_be_given_again_after_a_kill() {
    let studio = Studio::new();
    let job = |k| {
        format!("[[job]]\noutput = \"{k}.png\"\ncheckpoint = \"{k}.ckpt\"\ncheckpoint-every = 1\n")
    };
    studio.write("jobs.toml", &format!("{DEFAULTS}{}{}", job(1), job(2)));
    let more = ["jobs.toml", "--", "--steps", "120"];
    let mut child = spawn(&studio, &more);
    wait_until(|| studio.path("2.ckpt").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    batch(&studio, &more)
        .assert()
        .success()
        .stderr(contains("batch: 1 done, 1 skipped, 0 failed"));
    assert!(!studio.path("1.ckpt").exists() && !studio.path("2.ckpt").exists());
}

#[test]
fn an_explosion_is_no_finished_picture_for_scripts_batches_and_the_picture_itself() {
    let studio = Studio::new();
    // Nothing in the way, so the frames of steps that are taken back are this run's own.
    let flags = ["--lr", "1e9", "--save-every", "1", "--json", "-q"];
    for _ in 0..2 {
        let mut command = nst(&studio, &flags);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let (said, lines) = (
            String::from_utf8(output.stderr).unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        );
        assert!(
            said.contains("the loss exploded") && !said.contains("exists"),
            "{said}"
        );
        let last = lines.lines().last().unwrap();
        assert!(last.starts_with("{\"event\":\"diverged\""), "{last}");
        assert!(!lines.contains("\"done\",\"output\""), "{lines}");
    }
    let record = provenance(&studio.path("out.png")).unwrap();
    assert!(record.contains("\"diverged\":"), "{record}");

    studio.write(
        "jobs.toml",
        &format!("{DEFAULTS}[[job]]\noutput = \"1.png\"\nlr = 1e9\nsteps = 60\n"),
    );
    for _ in 0..2 {
        batch(&studio, &["jobs.toml"])
            .assert()
            .code(1)
            .stderr(contains("batch: 0 done, 0 skipped, 1 failed"));
    }
}

/// Whether processes started from here outlive a lost connection, as under `nohup`.
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let signals = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    signals.is_some_and(|signals| signals & 1 == 1)
}

#[test]
fn a_lost_connection_saves_the_picture_unless_it_was_to_be_outlived() {
    if hangups_are_ignored() {
        eprintln!("skipped: SIGHUP is ignored here already");
        return;
    }
    let studio = Studio::new();
    let long = ["--steps", "100000", "--save-every", "5", "--overwrite"];
    let mut child = started(&studio, &long, "out-00005.png");
    send("-HUP", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(129));
    assert!(studio.path("out.png").exists());

    std::fs::remove_file(studio.path("out-00005.png")).unwrap();
    let mut immune = Command::new("sh");
    let direct = nst(&studio, &long);
    immune
        .current_dir(studio.folder())
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .arg(direct.get_program())
        .args(direct.get_args())
        .stderr(Stdio::null());
    let mut child = immune.spawn().unwrap();
    wait_until(|| studio.path("out-00005.png").exists());
    send("-HUP", child.id());
    std::thread::sleep(std::time::Duration::from_millis(200));
    if cfg!(target_os = "linux") {
        assert!(child.try_wait().unwrap().is_none());
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn nobody_listening_on_standard_error_costs_no_picture() {
    for (k, stderr) in ["2>/dev/full", "2>&-", "2>&1 | head -n 0"]
        .iter()
        .enumerate()
    {
        if *stderr == "2>/dev/full" && cfg!(not(target_os = "linux")) {
            continue;
        }
        let studio = Studio::new();
        let direct = nst(&studio, &["--steps", "40", "--lr", "1.5"]);
        let status = Command::new("sh")
            .current_dir(studio.folder())
            .args([
                "-c",
                &format!("{{ \"$0\" \"$@\"; echo $? > code; }} {stderr}"),
            ])
            .arg(direct.get_program())
            .args(direct.get_args())
            .status()
            .unwrap();
        assert!(status.success());
        assert_eq!(studio.bytes("code"), b"0\n", "{k}: {stderr}");
        assert!(studio.path("out.png").exists(), "{stderr}");
    }
    let studio = Studio::new();
    studio.write(
        "jobs.toml",
        &format!("{DEFAULTS}quiet = false\n[[job]]\noutput = \"1.png\"\n")
            .replace("quiet = true\n", ""),
    );
    let status = Command::new("sh")
        .current_dir(studio.folder())
        .args(["-c", "\"$0\" batch jobs.toml 2>&-"])
        .arg(assert_cmd::cargo::cargo_bin!("nst"))
        .status();
    assert!(status.unwrap().success());
    assert!(studio.path("1.png").exists());
}

#[test]
fn a_script_that_stops_reading_ends_the_run_with_its_picture_and_its_state_saved() {
    let studio = Studio::new();
    let direct = nst(
        &studio,
        &[&KEEP[..], &["--json", "-q", "--checkpoint-every", "1000"]].concat(),
    );
    let status = Command::new("sh")
        .current_dir(studio.folder())
        .args(["-c", "{ \"$0\" \"$@\"; echo $? > code; } | head -n 1"])
        .arg(direct.get_program())
        .args(direct.get_args())
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    assert_eq!(studio.bytes("code"), b"1\n");
    let record = provenance(&studio.path("out.png")).unwrap();
    assert!(record.contains("\"stopped_after\":"), "{record}");
    // Every observer heard of the end, whichever asked for it.
    assert!(studio.path("run.ckpt").exists());
}

#[test]
fn an_interruption_while_weights_are_fetched_takes_effect_at_once() {
    // A proxy that takes the connection and never answers.
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let studio = Studio::new();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("nst"))
        .current_dir(studio.folder())
        .env("HOME", studio.folder())
        .env("XDG_CACHE_HOME", studio.path("cache"))
        .env_remove("NST_WEIGHTS")
        .env_remove("NST_OFFLINE")
        .envs(["HTTPS_PROXY", "https_proxy", "ALL_PROXY"].map(|name| (name, &address)))
        .args([
            "-c",
            "photo.png",
            "-s",
            "painting.png",
            "--size",
            "16",
            "--steps",
            "1",
        ])
        .args(["-o", "out.png"])
        .args(SHALLOW)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (_held, _) = proxy.accept().unwrap();
    let start = std::time::Instant::now();
    send("-INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(
        start.elapsed() < std::time::Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    assert!(!studio.path("out.png").exists());
}
