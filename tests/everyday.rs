//! What people try first.

#![cfg(feature = "cli")]

mod common;

use common::studio::{SHALLOW, Studio};
use image::ImageFormat;
use nst::picture::{Limits, decode, provenance};
use predicates::prelude::*;
use predicates::str::contains;

/// Flags of a small transfer without its pictures.
const SMALL: [&str; 7] = [
    "--weights",
    "weights.safetensors",
    "--size",
    "32",
    "--steps",
    "3",
    "-q",
];

fn nst(studio: &Studio, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = studio.nst();
    command.args(arguments).args(SMALL).args(SHALLOW);
    command
}

/// The picture of the same transfer, all flags written out.
fn expected(studio: &Studio) -> Vec<u8> {
    let flags = ["-q", "-o", "expected.png", "--overwrite"];
    studio.transfer().args(flags).assert().success();
    studio.bytes("expected.png")
}

#[test]
fn a_photo_and_a_painting_need_no_flags() {
    let studio = Studio::new();
    let expected = expected(&studio);
    let names = ["photo.png", "painting.png", "out.png"];
    nst(&studio, &names).assert().success();
    assert!(studio.bytes("out.png") == expected);
    nst(&studio, &names[..2]).assert().success();
    assert!(studio.bytes("photo_painting.png") == expected);
    nst(&studio, &["photo.png", "-s", "painting.png", "-o", "a.png"])
        .assert()
        .success();
    assert!(studio.bytes("a.png") == expected);
    studio
        .nst()
        .args(["plan", "photo.png", "painting.png", "--size", "64"])
        .assert()
        .success()
        .stdout(contains("64x48"));
    let sheet = ["--sweep", "beta=1,2", "-o", "sheet.png"];
    nst(&studio, &[&names[..2], &sheet].concat())
        .assert()
        .success();
    nst(
        &studio,
        &["photo.png", "-c", "photo.png", "-s", "painting.png"],
    )
    .assert()
    .code(2)
    .stderr(contains("--content"));
    for few in [&["photo.png"][..], &[]] {
        let missing = contains("--style").and(contains("not provided"));
        nst(&studio, few).assert().code(2).stderr(missing);
    }
}

#[test]
fn pictures_named_without_flags_are_as_safe_and_can_be_made_again() {
    let studio = Studio::new();
    let photo = studio.bytes("photo.png");
    nst(
        &studio,
        &["photo.png", "painting.png", "photo.png", "--overwrite"],
    )
    .assert()
    .code(1)
    .stderr(contains("the output is the input"));
    assert!(studio.bytes("photo.png") == photo);
    nst(&studio, &["photo.png", "painting.png", "out.png"])
        .assert()
        .success();
    studio
        .nst()
        .args(["replay", "out.png"])
        .assert()
        .success()
        .stdout(contains("nst --content photo.png --style painting.png"));
}

#[test]
fn a_picture_comes_and_goes_through_pipes() {
    let studio = Studio::new();
    let before = studio.files();
    let photo = studio.bytes("photo.png");
    let piped = |arguments: &[&str], input: &[u8]| {
        let command = nst(&studio, arguments).write_stdin(input).output().unwrap();
        let said = String::from_utf8_lossy(&command.stderr).into_owned();
        assert!(command.status.success(), "{said}");
        command.stdout
    };
    let out = piped(&["-c", "-", "-s", "painting.png", "-o", "-"], &photo);
    assert_eq!(image::guess_format(&out).unwrap(), ImageFormat::Png);
    assert_eq!(studio.files(), before, "nothing else is written");
    std::fs::write(studio.path("out.png"), &out).unwrap();
    let expected = {
        expected(&studio);
        decode(&studio.path("expected.png"), &Limits::default()).unwrap()
    };
    let found = decode(&studio.path("out.png"), &Limits::default()).unwrap();
    assert!(found.pixels == expected.pixels);
    let jpeg = piped(&["photo.png", "-", "-", "--ext", "jpg"], &photo);
    assert_eq!(image::guess_format(&jpeg).unwrap(), ImageFormat::Jpeg);
    let sheet = ["photo.png", "painting.png", "-", "--sweep", "beta=1,2"];
    assert_eq!(
        image::guess_format(&piped(&sheet, b"")).unwrap(),
        ImageFormat::Png
    );
    studio
        .nst()
        .args(["replay", "out.png"])
        .assert()
        .code(1)
        .stdout("")
        .stderr(contains("names - without a digest"));
    let again = ["replay", "expected.png", "--run", "-o", "-"];
    let run = studio.nst().args(again).output().unwrap();
    assert!(run.stdout == studio.bytes("expected.png"));
}

#[test]
fn what_cannot_go_through_a_pipe_is_refused() {
    let studio = Studio::new();
    for (arguments, why) in [
        (&["-", "-", "out.png"][..], "only one picture"),
        (&["-", "painting.png", "--init", "-"], "only one picture"),
        (&["photo.png", "painting.png", "-", "--json"], "--json"),
        (
            &["photo.png", "painting.png", "-", "--save-every", "2"],
            "--frames",
        ),
        (
            &["-", "painting.png", "a.png", "--sweep", "beta=1,2"],
            "--sweep",
        ),
        (
            &["photo.png", "painting.png", "a.png", "--ext", "jpg"],
            "--ext jpg",
        ),
    ] {
        nst(&studio, arguments)
            .write_stdin(studio.bytes("photo.png"))
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains(why));
    }
    nst(&studio, &["-", "painting.png", "a.png"])
        .write_stdin("text")
        .assert()
        .code(1)
        .stderr(contains("nst: -: "));
    studio.write(
        "jobs.csv",
        "content,style,output\n-,painting.png,a.png\nphoto.png,painting.png,-\n",
    );
    studio
        .nst()
        .args(["batch", "jobs.csv"])
        .assert()
        .code(2)
        .stderr(contains("job 1: -").and(contains("job 2: -")));
}

#[cfg(target_os = "linux")]
#[test]
fn a_picture_that_standard_output_does_not_take_is_kept() {
    let studio = Studio::new();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("nst"));
    command
        .current_dir(studio.folder())
        .env("TMPDIR", studio.folder())
        .args(["photo.png", "painting.png", "-"])
        .args(SMALL)
        .args(SHALLOW)
        .stdout(full);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let (_, rest) = said.split_once("saved as ").unwrap();
    let (saved, _) = rest.split_once(" instead").unwrap();
    assert!(decode(saved.as_ref(), &Limits::default()).is_ok(), "{said}");
}

#[test]
fn a_jpeg_is_as_small_as_its_quality() {
    let studio = Studio::new();
    let size = |quality: &str| {
        let names = ["photo.png", "painting.png", "q.jpg", "--overwrite"];
        let flags = ["--quality", quality, "--no-provenance"];
        nst(&studio, &[&names[..], &flags].concat())
            .assert()
            .success();
        studio.bytes("q.jpg").len()
    };
    assert!(size("20") < size("95") && size("95") < size("100"));
    for quality in ["0", "101", "x"] {
        nst(
            &studio,
            &["photo.png", "painting.png", "q.jpg", "--quality", quality],
        )
        .assert()
        .code(2)
        .stderr(contains("--quality"));
    }
    nst(
        &studio,
        &["photo.png", "painting.png", "q.png", "--quality", "50"],
    )
    .assert()
    .code(2)
    .stderr(contains("--quality 50: q.png is a PNG"));
}

#[test]
fn layers_may_be_named_as_in_the_paper_and_with_spaces() {
    let studio = Studio::new();
    let mut command = studio.nst();
    command
        .args(["photo.png", "painting.png", "out.png"])
        .args(SMALL);
    command
        .args(["--content-layer", "conv1_2"])
        .args(["--style-layers", "conv1_1, conv1_2 : 1"])
        .assert()
        .success();
    expected(&studio);
    let pixels = |name: &str| {
        decode(&studio.path(name), &Limits::default())
            .unwrap()
            .pixels
    };
    assert!(pixels("out.png") == pixels("expected.png"));
    assert!(
        provenance(&studio.path("out.png"))
            .unwrap()
            .contains("conv1_2")
    );
}

#[test]
fn an_area_without_its_unit_is_refused_with_the_hint() {
    let studio = Studio::new();
    let names = ["photo.png", "painting.png", "out.png"];
    for area in ["1", "512"] {
        let mut command = studio.nst();
        command.args(names).args(["--area", area]);
        command.assert().code(2).stderr(contains("such as 0.5MP"));
    }
}

#[test]
fn help_lists_the_choices_of_a_flag() {
    let studio = Studio::new();
    studio.nst().arg("--help").assert().success().stdout(
        contains("[possible values: max, avg]")
            .and(contains("[possible values: vgg16, vgg19]"))
            .and(contains("[possible values: 8, 16]")),
    );
    studio
        .nst()
        .args(["completions", "bash"])
        .assert()
        .success()
        .stdout(contains("\"vgg16 vgg19\"").and(contains("\"adam lbfgs gd\"")));
}

#[test]
fn a_result_of_both_sides_is_filled_by_the_middle_of_the_photo() {
    let studio = Studio::new();
    let sized = |size: &str, more: &[&str]| {
        let names = ["photo.png", "painting.png", "out.png", "--overwrite"];
        let flags = ["--strength", "0", "--tv", "0", "--average", "0"];
        let size = ["--size", size];
        let mut command = studio.nst();
        let sides = [&names[..], &flags, &SMALL[..2], &SMALL[4..], &size, more].concat();
        command.args(sides).args(SHALLOW).assert().success();
        decode(&studio.path("out.png"), &Limits::default()).unwrap()
    };
    let photo = decode(&studio.path("photo.png"), &Limits::default()).unwrap();
    let square = sized("30x30", &[]);
    assert_eq!((square.width, square.height), (30, 30));
    let middle = photo.cropped_to_ratio(1, 1);
    for (found, expected) in square.pixels.iter().zip(&middle.pixels) {
        assert!((found - expected).abs() < 0.02, "{found} {expected}");
    }
    for (size, sides) in [("33x17", (33, 17)), ("17x61", (17, 61))] {
        let found = sized(size, &["--init", "photo.png"]);
        assert_eq!((found.width, found.height), sides);
    }
    studio
        .nst()
        .args(["replay", "out.png", "--run", "-q", "-o", "again.png"])
        .assert()
        .success();
    assert!(studio.bytes("again.png") == studio.bytes("out.png"));
    studio
        .nst()
        .args(["plan", "photo.png", "painting.png", "--size", "60000x50000"])
        .assert()
        .code(2)
        .stdout(contains("60000x50000"))
        .stderr(contains("memory"));
}
