//! `nst replay`: the command back from the picture, and the picture again.

#![cfg(feature = "cli")]

mod common;

use common::studio::{SHALLOW, Studio};
use nst::Picture;
use nst::picture::{EncodeOptions, Limits, decode, encode, provenance};
use predicates::prelude::*;
use predicates::str::contains;

/// A studio with a picture painted in it.
fn painted(name: &str, flags: &[&str]) -> Studio {
    let studio = Studio::new();
    studio
        .transfer()
        .args(flags)
        .args(["-q", "-o", name])
        .assert()
        .success();
    studio
}

fn command_of(studio: &Studio, name: &str) -> String {
    let run = studio.nst().args(["replay", name]).assert().success();
    String::from_utf8(run.get_output().stdout.clone()).unwrap()
}

fn pixels(studio: &Studio, name: &str) -> Vec<f32> {
    decode(&studio.path(name), &Limits::default())
        .unwrap()
        .pixels
}

#[test]
fn the_command_names_the_flags_that_make_the_picture_and_no_others() {
    let studio = painted(
        "a b.png",
        &["--beta", "20", "--lr", "0.05", "--threads", "2", "--json"],
    );
    assert_eq!(
        command_of(&studio, "a b.png"),
        "nst --content photo.png --style painting.png --content-layer block1_conv2 --lr 0.05 \
         --size 32 --steps 3 --style-layers 'block1_conv1,block1_conv2' \
         --weights weights.safetensors --output 'a b.png'\n"
    );
}

#[test]
fn what_a_run_writes_beside_its_picture_is_no_part_of_the_command() {
    let flags = [
        ["--save-every", "2"],
        ["--frames", "frame-%02d.png"],
        ["--timelapse", "way.gif"],
        ["--checkpoint", "state.safetensors"],
        ["--max-memory", "20GiB"],
    ];
    let studio = painted("out.png", &[flags.as_flattened(), &["--fit"]].concat());
    studio
        .transfer()
        .args(["-q", "-o", "plain.png"])
        .assert()
        .success();
    assert!(studio.bytes("out.png") == studio.bytes("plain.png"));
    let plain = command_of(&studio, "plain.png");
    assert_eq!(
        command_of(&studio, "out.png"),
        plain.replace("plain.png", "out.png")
    );
}

#[cfg(unix)]
#[test]
fn the_command_given_to_a_shell_makes_the_same_file() {
    let studio = painted("out.png", &["--init", "noise", "--seed", "7"]);
    let command = command_of(&studio, "out.png");
    let first = studio.bytes("out.png");
    std::fs::remove_file(studio.path("out.png")).unwrap();
    let nst = assert_cmd::cargo::cargo_bin!("nst").display().to_string();
    let status = std::process::Command::new("sh")
        .args(["-c", &command.replacen("nst", &nst, 1)])
        .current_dir(studio.folder())
        .status();
    assert!(status.unwrap().success());
    assert!(studio.bytes("out.png") == first);
}

#[test]
fn run_makes_identical_pixels_in_every_format() {
    for extension in ["png", "jpg", "webp", "tif"] {
        let studio = painted(
            &format!("out.{extension}"),
            &["--init", "noise", "--beta", "55"],
        );
        let again = format!("again.{extension}");
        studio
            .nst()
            .args([
                "replay",
                "--run",
                "-q",
                &format!("out.{extension}"),
                "-o",
                &again,
            ])
            .assert()
            .success()
            .stderr("");
        let out = format!("out.{extension}");
        assert!(pixels(&studio, &again) == pixels(&studio, &out), "{out}");
        assert!(studio.bytes(&again) == studio.bytes(&out), "{out}");
    }
}

#[test]
fn run_uses_the_weights_that_painted_it_even_if_others_are_found_first() {
    let studio = Studio::new();
    std::fs::create_dir(studio.path("weights")).unwrap();
    studio.write_weights("weights/vgg19.safetensors");
    let bare = [
        "-c",
        "photo.png",
        "-s",
        "painting.png",
        "--size",
        "32",
        "--steps",
        "2",
        "-q",
    ];
    studio
        .nst()
        .args(bare)
        .args(SHALLOW)
        .args(["-o", "out.png"])
        .assert()
        .success();
    studio
        .nst()
        .args(["replay", "out.png"])
        .assert()
        .success()
        .stdout(contains("--weights").not());
    let again = || {
        let mut command = studio.nst();
        command.args([
            "replay",
            "--run",
            "-q",
            "out.png",
            "-o",
            "again.png",
            "--overwrite",
        ]);
        command
    };
    again().assert().success();
    assert!(studio.bytes("again.png") == studio.bytes("out.png"));
    let elsewhere = studio.path("elsewhere.safetensors");
    std::fs::rename(studio.path("weights/vgg19.safetensors"), &elsewhere).unwrap();
    studio.write_seeded_weights("weights/vgg19.safetensors", 4);
    again().assert().code(1).stderr(
        contains("vgg19.safetensors: these weights are not here: SHA-256")
            .and(contains("cannot be made again")),
    );
    again().env("NST_WEIGHTS", elsewhere).assert().success();
    assert!(pixels(&studio, "again.png") == pixels(&studio, "out.png"));
}

#[test]
fn inputs_that_are_missing_or_changed_are_named_and_nothing_is_made_of_them() {
    let studio = painted("out.png", &["--init", "photo.png"]);
    studio.draw("painting.png", 24, 37);
    std::fs::remove_file(studio.path("photo.png")).unwrap();
    for run in [
        &["replay", "out.png"][..],
        &["replay", "out.png", "--run", "-o", "again.png"],
    ] {
        studio
            .nst()
            .args(run)
            .assert()
            .code(1)
            .stdout(contains("nst --content photo.png --style painting.png"))
            .stderr(
                contains("photo.png: is not here").and(contains("painting.png: has changed since")),
            );
    }
    assert!(!studio.path("again.png").exists());
}

#[test]
fn run_replaces_nothing_unless_told_to() {
    let studio = painted("out.png", &[]);
    let first = studio.bytes("out.png");
    let run = ["replay", "out.png", "--run", "-q"];
    studio
        .nst()
        .args(run)
        .assert()
        .code(1)
        .stderr(contains("--overwrite"));
    studio.nst().args(run).arg("--overwrite").assert().success();
    assert!(studio.bytes("out.png") == first);
}

#[test]
fn a_picture_without_provenance_says_so() {
    let studio = painted("out.png", &["--no-provenance"]);
    assert_eq!(provenance(&studio.path("out.png")), None);
    let bytes = studio.bytes("out.png");
    assert!(!bytes.windows(9).any(|window| window == b"photo.png"));
    studio.write("text.png", "text");
    for name in ["out.png", "photo.png", "text.png", "."] {
        studio
            .nst()
            .args(["replay", name])
            .assert()
            .code(1)
            .stdout("")
            .stderr(contains(name).and(contains("nothing of how it was made")));
    }
    studio
        .nst()
        .args(["replay", "missing.png"])
        .assert()
        .code(1)
        .stderr(contains("missing.png: cannot be read"));
}

#[test]
fn a_frame_says_after_which_step_it_was_saved() {
    let studio = painted("out.png", &["--save-every", "2"]);
    studio
        .nst()
        .args(["replay", "out-00002.png"])
        .assert()
        .success()
        .stderr(contains("saved after step 2"));
    studio
        .nst()
        .args(["replay", "out.png"])
        .assert()
        .success()
        .stderr("");
}

#[test]
fn a_provenance_of_a_stranger_is_only_text() {
    let studio = Studio::new();
    let picture = Picture::from_planes(1, 1, &[0.5; 3]).unwrap();
    let forged = |flags: &str, version: &str| {
        let options = EncodeOptions {
            provenance: Some(format!(
                "{{\"nst\":\"{version}\",\"flags\":{{{flags}}},\"inputs\":{{}},\
                 \"weights\":{{\"name\":\"built-in\",\"sha256\":\"00\"}}}}"
            )),
            overwrite: true,
            ..EncodeOptions::default()
        };
        encode(&picture, &studio.path("forged.png"), &options).unwrap();
        studio.nst().args(["replay", "forged.png"]).assert()
    };
    let pictures = "\"content\":[\"photo.png\"],\"style\":[\"painting.png\"]";
    forged(&format!("{pictures},\"beta\":[\"\\u001b[2J\"]"), "0.1.0")
        .code(1)
        .stdout("")
        .stderr(contains("control characters"));
    forged(
        &format!("{pictures},\"overwrite\":[],\"output\":[\"photo.png\"]"),
        "0.1.0",
    )
    .stdout("nst --content photo.png --style painting.png --output forged.png\n");
    forged(
        &format!("{pictures},\"model\":[\"vgg19; rm -rf ~\"]"),
        "0.1.0",
    )
    .code(2)
    .stdout(contains("--model 'vgg19; rm -rf ~'"));
    forged(&format!("{pictures},\"dream\":[\"3\"]"), "9.0.0")
        .code(2)
        .stderr(contains("nst 9.0.0").and(contains("--dream")));
    forged(pictures, "9.0.0").stderr(contains("made by nst 9.0.0"));
    forged("\"beta\":3", "0.1.0")
        .code(1)
        .stderr(contains("damaged"));
}

#[test]
fn a_picture_of_a_batch_is_made_again_like_any_other() {
    let studio = Studio::new();
    studio.write(
        "jobs.csv",
        "content,style,weights,size,steps,content-layer,style-layers,output\n\
         photo.png,painting.png,weights.safetensors,16,2,block1_conv2,block1_conv1,out.png\n",
    );
    studio.nst().args(["batch", "jobs.csv"]).assert().success();
    studio
        .nst()
        .args(["replay", "out.png", "--run", "-o", "again.png"])
        .assert()
        .success();
    assert!(studio.bytes("again.png") == studio.bytes("out.png"));
}
