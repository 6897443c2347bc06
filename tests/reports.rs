//! `--report`: where it may be written, and what it says.
#![cfg(feature = "cli")]

mod common;

use common::batch::DEFAULTS;
use common::studio::{SHALLOW, Studio};
use predicates::prelude::*;
use predicates::str::contains;

fn report(studio: &Studio, name: &str) -> String {
    String::from_utf8(studio.bytes(name)).unwrap()
}

#[test]
fn the_report_of_a_run_has_pictures_losses_settings_and_the_command() {
    let studio = Studio::new();
    studio
        .transfer()
        .args(["-o", "out.png", "--report", "r.html", "--beta", "33"])
        .assert()
        .success();
    let text = report(&studio, "r.html");
    for part in [
        "<title>out.png",
        "data:image/jpeg;base64,",
        "block1_conv2",
        "--beta",
        "33",
        "32x24 pixels",
        "weights.safetensors",
        "--report r.html",
        env!("CARGO_PKG_VERSION"),
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert_eq!(text.matches("<img ").count(), 3, "photo, result, painting");
    for other in ["http://", "https://", "src=\"/", "<link"] {
        let outside = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!outside.contains(other), "{other}: needs something else");
    }
}

#[test]
fn the_report_of_a_sweep_has_every_picture() {
    let studio = Studio::new();
    studio
        .transfer()
        .args([
            "-o",
            "out.png",
            "--report",
            "r.html",
            "--sweep",
            "beta=3,30",
        ])
        .assert()
        .success();
    let text = report(&studio, "r.html");
    assert!(text.contains("beta=3") && text.contains("beta=30"));
    assert_eq!(text.matches("<svg ").count(), 2);
}

#[test]
fn a_report_is_checked_like_every_output_before_any_work() {
    let studio = Studio::new();
    std::fs::copy(studio.path("photo.png"), studio.path("photo.html")).unwrap();
    studio.write("mine.html", "mine");
    for (flags, words) in [
        (&["--report", "photo.html", "-c", "photo.html"][..], "input"),
        (&["--report", "mine.html"], "exists already"),
        (&["--report", "nowhere/r.html"], "nowhere"),
        (&["--report", "r.png"], ".html"),
        (&["--report", "r"], ".html"),
        (
            &["--report", "r.html", "--timelapse", "r.html"],
            "--timelapse",
        ),
        (
            &["--report", "r.html", "--checkpoint", "r.html"],
            "--report",
        ),
    ] {
        studio
            .transfer()
            .args(["-o", "out.png"])
            .args(flags)
            .assert()
            .failure()
            .stderr(contains(words));
    }
    assert_eq!(studio.bytes("mine.html"), b"mine");
    assert!(!studio.files().contains(&"out.png".to_owned()));
    studio
        .transfer()
        .args(["-o", "out.png", "--report", "mine.html", "--overwrite"])
        .assert()
        .success();
    assert!(report(&studio, "mine.html").contains("<svg "));
}

#[test]
fn the_report_of_a_batch_lists_failures_first_and_what_was_skipped() {
    let studio = Studio::new();
    let list = format!(
        "{DEFAULTS}[[job]]\noutput = \"a.png\"\n[[job]]\noutput = \"b.png\"\n\
         [[job]]\noutput = \"c.png\"\ncontent = \"bad.png\"\n"
    );
    studio.write("jobs.toml", &list);
    studio.write("bad.png", "no picture");
    studio.write("b.png", "there");
    studio
        .nst()
        .args(["batch", "jobs.toml", "--report", "r.html"])
        .assert()
        .code(1);
    let text = report(&studio, "r.html");
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}"));
    assert!(at("<td>c.png") < at("<td>a.png") && at("<td>a.png") < at("<td>b.png"));
    assert!(text.contains("skipped") && text.contains("3 jobs, 1 failed"));
    assert_eq!(text.matches("<img ").count(), 1, "of what was painted");
}

#[test]
fn the_report_of_a_batch_is_none_of_its_files() {
    let studio = Studio::new();
    studio.write(
        "jobs.toml",
        &format!("{DEFAULTS}[[job]]\noutput = \"a.png\"\nreport = \"a.html\"\n"),
    );
    std::fs::copy(studio.path("jobs.toml"), studio.path("list.html")).unwrap();
    let refused = |list: &str, page: &str, words: &str| {
        studio
            .nst()
            .args([
                "batch",
                list,
                "--format",
                "toml",
                "--overwrite",
                "--report",
                page,
            ])
            .assert()
            .failure()
            .stderr(contains("--report").and(contains(words)));
    };
    refused("jobs.toml", "a.html", "job 1");
    refused("list.html", "list.html", "input");
    refused("jobs.toml", "photo.png", ".html");
    assert!(!studio.files().contains(&"a.png".to_owned()));
}

#[cfg(unix)]
#[test]
fn the_report_of_an_interrupted_run_gives_way_to_that_of_the_whole() {
    use std::io::{BufRead, BufReader};

    let studio = Studio::new();
    let flags = [
        "--content",
        "photo.png",
        "--style",
        "painting.png",
        "--weights",
        "weights.safetensors",
        "--size",
        "32",
        "-o",
        "out.png",
        "--report",
        "r.html",
    ];
    let mut child = studio
        .process(&flags, &["--steps", "1000000"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().unwrap().contains("step 1/"))
        .unwrap()
        .unwrap();
    common::batch::send("-INT", child.id());
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(report(&studio, "r.html").contains("stopped after step"));
    studio
        .nst()
        .args(flags)
        .args(SHALLOW)
        .args(["--steps", "2", "-o", "whole.png"])
        .assert()
        .success();
    assert!(!report(&studio, "r.html").contains("stopped after step"));
}
