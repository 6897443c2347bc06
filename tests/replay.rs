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
            .stdout(contains(
                "nst --content photo.png --init photo.png --style painting.png",
            ))
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

/// Writes a picture whose record says what a stranger likes, as JSON.
fn forge(studio: &Studio, version: &str, flags: &str, inputs: &str) {
    let picture = Picture::from_planes(1, 1, &[0.5; 3]).unwrap();
    let weights = nst::weights::sha256(&studio.path("weights.safetensors")).unwrap();
    let options = EncodeOptions {
        provenance: Some(format!(
            "{{\"nst\":\"{version}\",\"flags\":{{{flags}}},\"inputs\":{{{inputs}}},\
             \"weights\":{{\"name\":\"weights.safetensors\",\"sha256\":\"{weights}\"}}}}"
        )),
        overwrite: true,
        ..EncodeOptions::default()
    };
    encode(&picture, &studio.path("forged.png"), &options).unwrap();
}

/// Flags of a small transfer in a record, which can be made again.
const ASKED: &str = "\"content\":[\"photo.png\"],\"style\":[\"painting.png\"],\"size\":[\"16\"],\
    \"steps\":[\"2\"],\"weights\":[\"weights.safetensors\"],\"content-layer\":[\"block1_conv2\"],\
    \"style-layers\":[\"block1_conv1\"]";

/// The pictures of a record, with their true digests.
fn inputs_of(studio: &Studio, names: &[&str]) -> String {
    let digest = |name: &&str| {
        let digest = nst::weights::sha256(&studio.path(name)).unwrap();
        format!("\"{name}\":\"{digest}\"")
    };
    names.iter().map(digest).collect::<Vec<_>>().join(",")
}

fn replay_forged(studio: &Studio, flags: &[&str]) -> assert_cmd::assert::Assert {
    let arguments = [&["replay", "forged.png"], flags].concat();
    studio.nst().args(arguments).assert()
}

#[test]
fn a_provenance_of_a_stranger_is_only_text() {
    let studio = Studio::new();
    let inputs = inputs_of(&studio, &["photo.png", "painting.png"]);
    let forged = |flags: &str, version: &str| {
        forge(&studio, version, &format!("{ASKED}{flags}"), &inputs);
        replay_forged(&studio, &[])
    };
    forged(",\"beta\":[\"\\u001b[2J\"]", "0.1.0")
        .code(1)
        .stdout("")
        .stderr(contains("control characters"));
    forged(",\"model\":[\"vgg19; rm -rf ~\"]", "0.1.0")
        .code(2)
        .stdout("")
        .stderr(contains("rm -rf"));
    forged(",\"init\":[\"$(rm *)\"]", "0.1.0")
        .code(1)
        .stdout("")
        .stderr(contains("$(rm *) without a digest"));
    forged(",\"beta\":[]", "0.1.0").code(2).stdout("");
    forged(",\"dream\":[\"3\"]", "9.0.0")
        .code(1)
        .stdout("")
        .stderr(contains("nst 9.0.0").and(contains("`dream`")));
    forged("", "9.0.0")
        .success()
        .stderr(contains("made by nst 9.0.0"));
    forged(",\"beta\":3", "0.1.0")
        .code(1)
        .stderr(contains("damaged"));
}

#[test]
fn a_strangers_picture_cannot_name_a_file_to_write() {
    let studio = Studio::new();
    std::fs::create_dir(studio.path("victim")).unwrap();
    studio.write("victim/.bashrc", "precious");
    let inputs = inputs_of(&studio, &["photo.png", "painting.png"]);
    for (flag, name) in [
        (
            "\"checkpoint=victim/.bashrc\":[]",
            "checkpoint=victim/.bashrc",
        ),
        ("\"resume=victim/.bashrc\":[]", "resume=victim/.bashrc"),
        (
            "\"timelapse=victim/.bashrc\":[]",
            "timelapse=victim/.bashrc",
        ),
        ("\"beta=3\":[],\"timelapse\":[\"victim/a.gif\"]", "beta=3"),
        (
            "\"save-every=1\":[],\"frames=victim/%d.png\":[]",
            "frames=victim/%d.png",
        ),
        ("\"checkpoint\":[\"victim/.bashrc\"]", "checkpoint"),
        ("\"timelapse\":[\"victim/a.gif\"]", "timelapse"),
        ("\"save-every\":[\"1\"]", "save-every"),
        ("\"output\":[\"photo.png\"]", "output"),
        ("\"overwrite\":[]", "overwrite"),
        ("\"output=photo.png\":[]", "output=photo.png"),
    ] {
        forge(&studio, "0.1.0", &format!("{ASKED},{flag}"), &inputs);
        let before = (studio.files(), studio.files_in("victim"));
        for run in [&[][..], &["--run", "--overwrite", "-o", "again.png"]] {
            replay_forged(&studio, run)
                .code(1)
                .stdout("")
                .stderr(contains(format!("`{name}`")));
        }
        assert_eq!(
            (studio.files(), studio.files_in("victim")),
            before,
            "{flag}"
        );
        assert_eq!(studio.bytes("victim/.bashrc"), b"precious", "{flag}");
    }
    forge(&studio, "0.1.0", ASKED, &inputs);
    replay_forged(&studio, &["--run", "-o", "again.png"]).success();
}

#[test]
fn a_strangers_sweep_cannot_name_a_file_to_write() {
    let studio = Studio::new();
    studio.write(".bashrc", "precious");
    let inputs = inputs_of(&studio, &["photo.png", "painting.png"]);
    for sweep in [
        "checkpoint=.bashrc,b",
        "checkpoint=.bashrc=,b",
        "timelapse=a.gif,b.gif",
        "output=photo.png,b.png",
        "sweep=checkpoint=.bashrc",
        "overwrite=",
    ] {
        let flags = format!("{ASKED},\"sweep\":[\"{sweep}\"]");
        forge(&studio, "0.1.0", &flags, &inputs);
        let before = studio.files();
        replay_forged(&studio, &["--run", "--overwrite", "-o", "again.png"])
            .code(2)
            .stdout("")
            .stderr(contains(format!("--sweep {sweep}")));
        assert_eq!(studio.files(), before, "{sweep}");
        assert_eq!(studio.bytes(".bashrc"), b"precious");
    }
}

#[test]
fn every_picture_that_a_record_names_needs_a_digest_in_it() {
    let studio = Studio::new();
    studio.draw("other.png", 20, 20);
    let both = inputs_of(&studio, &["photo.png", "painting.png"]);
    let photo = inputs_of(&studio, &["photo.png"]);
    let none = String::new();
    for (more, inputs, missing) in [
        ("", &none, "painting.png"),
        ("", &photo, "painting.png"),
        (",\"init\":[\"other.png\"]", &both, "other.png"),
        (",\"content-mask\":[\"other.png\"]", &both, "other.png"),
        (
            ",\"sweep\":[\"style=painting.png,other.png\"]",
            &both,
            "other.png",
        ),
        (",\"sweep\":[\"init=noise,other.png\"]", &both, "other.png"),
    ] {
        forge(&studio, "0.1.0", &format!("{ASKED}{more}"), inputs);
        for run in [&[][..], &["--run", "-o", "again.png"]] {
            replay_forged(&studio, run)
                .code(1)
                .stdout("")
                .stderr(contains(format!("{missing} without a digest")));
        }
    }
    assert!(!studio.path("again.png").exists());
}

#[test]
fn a_sheet_is_made_again_like_any_other_picture() {
    let studio = Studio::new();
    let sweep = [
        "--sweep",
        "beta=1,20",
        "-q",
        "-o",
        "sheet.png",
        "--size",
        "512",
    ];
    let small = ["--size", "24", "--steps", "1"];
    studio.transfer().args(sweep).args(small).assert().success();
    let command = command_of(&studio, "sheet.png");
    assert!(command.contains("--sweep 'beta=1,20'"), "{command}");
    studio
        .nst()
        .args(["replay", "sheet.png", "--run", "-q", "-o", "again.png"])
        .assert()
        .success();
    assert!(studio.bytes("again.png") == studio.bytes("sheet.png"));
    studio.draw("painting.png", 24, 37);
    studio
        .nst()
        .args(["replay", "sheet.png"])
        .assert()
        .code(1)
        .stderr(contains("painting.png: has changed since"));
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
