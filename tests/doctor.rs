//! The first minutes: no arguments, a mistyped command, and what a machine will use.

#![cfg(all(feature = "cli", feature = "builtin-weights"))]

mod common;

use common::studio::Studio;
use predicates::prelude::*;
use predicates::str::contains;

/// What `nst doctor` says, by the first word of its lines, on a machine without network or GPU.
fn doctor(studio: &Studio, code: i32) -> Vec<(String, String)> {
    let mut command = studio.nst();
    command
        .arg("doctor")
        .env("NST_OFFLINE", "1")
        .env("VK_DRIVER_FILES", "/nonexistent.json")
        .env("VK_ICD_FILENAMES", "/nonexistent.json");
    let output = command.assert().code(code).stderr("").get_output().clone();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().map(|line| line.split_once(' ').unwrap());
    rows.map(|(name, text)| (name.to_owned(), text.trim().to_owned()))
        .collect()
}

fn row<'a>(rows: &'a [(String, String)], name: &str) -> &'a str {
    let found = rows.iter().find(|(of, _)| of == name);
    found.map_or_else(|| panic!("no {name} in {rows:?}"), |(_, text)| text)
}

/// The first number of a text.
fn number(text: &str) -> f64 {
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let word = text
        .split(|c| !digits(c))
        .find(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    word.unwrap_or_else(|| panic!("no number in {text}"))
        .parse()
        .unwrap()
}

#[test]
fn without_arguments_three_examples_are_shown_and_where_to_look_next() {
    let studio = Studio::new();
    studio.nst().assert().code(2).stdout("").stderr(
        contains("\n  nst photo.jpg painting.jpg\n")
            .and(contains("nst --help"))
            .and(contains("nst doctor"))
            .and(contains("not provided").not()),
    );
}

#[test]
fn a_mistyped_command_is_not_taken_for_a_photo() {
    let studio = Studio::new();
    for arguments in [
        &["devics"][..],
        &["wieghts", "fetch", "vgg19"],
        &["docter", "-q"],
    ] {
        studio.nst().args(arguments).assert().code(2).stderr(
            contains("is no command and no file here")
                .and(contains(arguments[0]))
                .and(contains("not provided").not()),
        );
    }
    studio.write("devics", "not a picture");
    studio
        .nst()
        .arg("devics")
        .assert()
        .code(2)
        .stderr(contains("--style"));
}

#[test]
fn the_doctor_says_on_one_screen_what_this_machine_will_use() {
    let studio = Studio::new();
    let rows = doctor(&studio, 0);
    assert!(rows.len() <= 24, "{rows:?}");
    assert!(row(&rows, "version").contains(env!("CARGO_PKG_VERSION")));
    assert!(row(&rows, "cpu").contains("threads"));
    // Where Vulkan is hidden, OpenGL may still offer a driver that emulates a GPU.
    let reasons = if cfg!(feature = "gpu") {
        ["no GPU", "NST_SOFTWARE_GPU"]
    } else {
        ["without"; 2]
    };
    let gpu = row(&rows, "gpu");
    assert!(reasons.iter().any(|reason| gpu.contains(reason)), "{gpu}");
    assert!(row(&rows, "backend").ends_with("auto means cpu here"));
    assert!(row(&rows, "vgg16").contains("built-in"));
    assert!(row(&rows, "memory").contains("free"));
    assert!(number(row(&rows, "largest")) > 256.0);
    assert!(number(row(&rows, "time")) > 0.0);
}

#[test]
fn the_doctor_names_the_weights_that_a_run_takes() {
    let studio = Studio::new();
    assert!(row(&doctor(&studio, 0), "vgg19").contains("the built-in network"));
    std::fs::create_dir(studio.path("weights")).unwrap();
    studio.write("weights/vgg19.safetensors", "not weights");
    let damaged = doctor(&studio, 1);
    assert!(
        row(&damaged, "vgg19").contains("vgg19.safetensors"),
        "{damaged:?}"
    );
    assert!(row(&damaged, "vgg16").contains("the built-in network"));
}

#[test]
fn a_card_is_chosen_by_its_number_or_a_part_of_its_name() {
    let studio = Studio::new();
    let output = studio.nst().arg("devices").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let Some(card) = text.lines().find_map(|line| line.strip_prefix("gpu 0")) else {
        eprintln!("skipped: no GPU, nor one in software, in\n{text}");
        return;
    };
    let on = |device: &str| {
        let mut command = studio.transfer();
        command.env("NST_SOFTWARE_GPU", "1").args([
            "--backend",
            "gpu",
            "--device",
            device,
            "--overwrite",
            "-o",
            "out.png",
        ]);
        command.assert()
    };
    let name = card.split_whitespace().next().unwrap();
    for device in ["0", &name.to_lowercase()] {
        on(device)
            .success()
            .stderr(contains(format!("using {name}")));
    }
    for device in ["99", "no such card"] {
        let wrong = format!("there is no GPU {device}");
        on(device)
            .code(1)
            .stderr(contains(wrong).and(contains("nst devices")));
    }
}
