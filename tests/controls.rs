//! The controls of a transfer, through the binary: plans, memory, sweeps, frames, colours, masks.

mod common;

use std::io::BufReader;
use std::process::Stdio;

use common::studio::Studio;
use image::AnimationDecoder;
use image::codecs::gif::GifDecoder;
use nst::picture::{Limits, Picture, decode};
use predicates::prelude::*;
use predicates::str::contains;

fn picture(studio: &Studio, name: &str) -> Picture {
    decode(&studio.path(name), &Limits::default()).unwrap()
}

fn painted(studio: &Studio, flags: &[&str]) -> Picture {
    let flags = [flags, &["-o", "out.png", "--overwrite"]].concat();
    studio.transfer().args(flags).assert().success();
    picture(studio, "out.png")
}

#[test]
fn a_plan_names_scales_steps_layers_memory_and_time_and_writes_nothing() {
    let studio = Studio::new();
    let before = studio.files();
    let assert = studio
        .nst()
        .args(["plan", "-c", "photo.png", "-s", "painting.png"])
        .args(["--size", "300", "-n", "7", "--min-size", "128"])
        .args(["--max-memory", "2GiB"])
        .assert()
        .success()
        .stdout(
            contains("150x112")
                .and(contains("300x225"))
                .and(contains("block5_conv2")),
        );
    let said = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    let value = |name: &str| {
        let line = said.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].trim()
    };
    let (needed, limit) = value("memory:").split_once(" of ").unwrap();
    assert_eq!(limit, "2.0 GiB");
    let needed = needed.strip_prefix("about ").unwrap();
    let mebibytes: f64 = needed.strip_suffix(" MiB").unwrap().parse().unwrap();
    assert!((100.0..400.0).contains(&mebibytes), "{needed}");
    let time = value("time:").strip_prefix("about ").unwrap();
    let seconds: f64 = time.strip_suffix(" s").unwrap().parse().unwrap();
    assert!((0.0..120.0).contains(&seconds), "{time}");
    assert_eq!(studio.files(), before);
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_of_a_plan_is_no_failure() {
    let studio = Studio::new();
    let mut child = studio
        .bare()
        .args(["plan", "-c", "photo.png", "-s", "painting.png"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_run_that_needs_more_memory_than_allowed_is_refused_with_the_size_that_fits() {
    let studio = Studio::new();
    let large = ["--size", "4000", "-o", "out.png", "--max-memory", "1GiB"];
    let assert = studio.transfer().args(large).assert().code(2);
    let said = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    let fits = said.split("--size ").nth(1).unwrap();
    let fits: usize = fits.split_whitespace().next().unwrap().parse().unwrap();
    assert!((1000..3000).contains(&fits), "{said}");
    assert!(!studio.path("out.png").exists());
    studio
        .transfer()
        .args(["--size", &fits.to_string(), "--max-memory", "1GiB"])
        .args(["--scales", "1", "--steps", "1", "-o", "out.png"])
        .assert()
        .success();
}

/// No GPU to be found, so that `auto` is the CPU.
#[cfg(target_os = "linux")]
fn without_gpu(command: &mut assert_cmd::Command) -> &mut assert_cmd::Command {
    let nowhere = "/nonexistent.json";
    command
        .env("VK_DRIVER_FILES", nowhere)
        .env("VK_ICD_FILENAMES", nowhere)
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded_too_where_auto_means_the_cpu() {
    let studio = Studio::new();
    let large = [
        "--backend",
        "auto",
        "--size",
        "4000",
        "--max-memory",
        "300MiB",
    ];
    let run = |more: &[&str]| {
        let steps = ["--scales", "1", "--steps", "1", "-o", "out.png"];
        let mut command = studio.transfer();
        command.args(large).args(steps).args(more);
        without_gpu(&mut command).assert()
    };
    run(&[]).code(2).stderr(contains("300.0 MiB may be taken"));
    assert!(!studio.path("out.png").exists());
    run(&["--fit"])
        .success()
        .stderr(contains("--fit: painting at"));
    let mut plan = studio.nst();
    plan.args(["plan", "photo.png", "painting.png"]).args(large);
    without_gpu(&mut plan)
        .assert()
        .code(2)
        .stdout(contains("memory:"));
}

#[test]
fn fit_makes_the_picture_as_large_as_the_memory_allows() {
    let studio = Studio::new();
    let painted = |size: &str, flags: &[&str]| {
        studio
            .transfer()
            .args(["--size", size, "--max-memory", "300MiB"])
            .args([
                "--scales",
                "1",
                "--steps",
                "1",
                "-o",
                "out.png",
                "--overwrite",
            ])
            .args(flags)
            .assert()
    };
    let assert = painted("4000", &["--fit"]).success();
    let width = picture(&studio, "out.png").width;
    let said = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(said.contains(&format!("--size {width}")), "{said}");
    painted(&width.to_string(), &[]).success();
    assert_eq!(picture(&studio, "out.png").width, width);
    painted("4000", &[])
        .code(2)
        .stderr(contains(format!("--size {width} fits")));
}

#[test]
fn the_size_that_fits_is_of_the_kind_asked_for() {
    let studio = Studio::new();
    for (size, unit) in [("x4000", "--size x"), ("9MP", "MP fits")] {
        studio
            .transfer()
            .args(["--size", size, "--max-memory", "300MiB", "-o", "out.png"])
            .assert()
            .code(2)
            .stderr(contains(unit));
    }
}

#[test]
fn a_side_beyond_what_files_hold_is_refused_before_any_work() {
    let studio = Studio::new();
    studio.draw("photo.png", 20, 200);
    studio
        .transfer()
        .args(["--size", "65535x", "-o", "out.png"])
        .assert()
        .code(2)
        .stderr(contains("65535x655350").and(contains("at most 65535 pixels")));
}

#[test]
fn nonsense_for_a_memory_size_is_refused_with_the_flag() {
    let studio = Studio::new();
    for size in ["lots", "-1", ""] {
        studio
            .transfer()
            .args([&format!("--max-memory={size}"), "-o", "out.png"])
            .assert()
            .code(2)
            .stderr(contains("--max-memory"));
    }
}

#[test]
fn a_learning_rate_alone_asks_for_adam() {
    let studio = Studio::new();
    let usual = painted(&studio, &[]);
    let adam = painted(&studio, &["--optimizer", "adam"]);
    assert!(usual != adam);
    assert!(painted(&studio, &["--lr", "0.02"]) == adam);
    let fast = painted(&studio, &["--lr", "0.2", "--optimizer", "lbfgs"]);
    assert!(fast == usual, "L-BFGS has no rate");
}

#[test]
fn a_sweep_makes_one_sheet_of_all_values() {
    let studio = Studio::new();
    let sheet = painted(&studio, &["--sweep", "beta=1,10,100"]);
    let two = painted(&studio, &["--sweep", "optimizer=adam,gd"]);
    assert!(sheet.height > two.height, "two rows and one");
    let files = studio.files();
    assert_eq!(
        files.iter().filter(|name| name.contains(".png")).count(),
        3,
        "{files:?}"
    );
}

#[test]
fn a_sheet_says_where_it_is_and_is_painted_at_the_size_that_is_given() {
    let studio = Studio::new();
    let sheet = |size: &str| {
        let flags = ["--sweep", "beta=1,10", "--steps", "1", "--scales", "1"];
        let out = ["--size", size, "-o", "sheet.png", "--overwrite", "--json"];
        let run = studio.transfer().args(flags).args(out).output().unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        assert!(run.status.success(), "{said}");
        assert!(said.contains("sheet.png: ") && said.contains("sheet of 2"));
        let events = String::from_utf8(run.stdout).unwrap();
        let events = events
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        events.collect::<Vec<serde_json::Value>>()
    };
    let events = sheet("512");
    let width = picture(&studio, "sheet.png").width;
    assert!(width > 2 * 512, "{width}");
    let last = events.last().unwrap();
    assert_eq!(
        (&last["event"], &last["output"]),
        (&"sheet".into(), &"sheet.png".into())
    );
    let done = events.iter().filter(|event| event["event"] == "done");
    let tiles: Vec<_> = done
        .map(|event| (&event["tile"], &event["output"]))
        .collect();
    let none = serde_json::Value::Null;
    assert_eq!(
        tiles,
        [(&"beta=1".into(), &none), (&"beta=10".into(), &none)]
    );
    sheet("24");
    assert!(picture(&studio, "sheet.png").width < 2 * 64);
}

#[test]
fn a_value_whose_loss_explodes_does_not_lose_the_sheet() {
    let studio = Studio::new();
    let flags = [
        "--sweep",
        "lr=0.02,1e30,0.03",
        "--optimizer",
        "gd",
        "--steps",
        "40",
    ];
    studio
        .transfer()
        .args(flags)
        .args(["--size", "24", "-o", "sheet.png"])
        .assert()
        .code(1)
        .stderr(contains("the loss exploded").and(contains("a sheet of 3 pictures")));
    let sheet = picture(&studio, "sheet.png");
    assert!(sheet.height > 2 * 18, "two rows");
}

#[test]
fn a_sheet_has_no_files_beside_it() {
    let studio = Studio::new();
    let before = studio.files();
    for beside in [
        ["--timelapse", "way.gif"],
        ["--checkpoint", "state"],
        ["--save-every", "1"],
    ] {
        studio
            .transfer()
            .args(["--sweep", "beta=1,2", "-o", "sheet.png"])
            .args(beside)
            .assert()
            .code(2)
            .stderr(contains(beside[0]).and(contains("only their sheet is written")));
    }
    assert_eq!(studio.files(), before);
}

#[test]
fn a_sweep_that_cannot_be_is_refused_before_any_work() {
    let studio = Studio::new();
    for (sweep, why) in [
        ("beta", "FLAG=X"),
        ("beta=1,-2", "--beta"),
        ("betta=1", "--betta"),
    ] {
        studio
            .transfer()
            .args(["--sweep", sweep, "-o", "out.png"])
            .assert()
            .code(2)
            .stderr(contains("--sweep").and(contains(why)));
    }
}

#[test]
fn frames_and_a_time_lapse_show_the_way() {
    let studio = Studio::new();
    painted(
        &studio,
        &[
            "--scales",
            "2",
            "--min-size",
            "20",
            "--steps-per-scale",
            "3",
            "--save-every",
            "2",
            "--frames",
            "f-%03d.png",
            "--timelapse",
            "way.gif",
        ],
    );
    for name in ["f-002.png", "f-004.png", "f-006.png"] {
        assert_eq!(
            picture(&studio, name).width,
            32,
            "{name}: frames of every scale are of one size"
        );
    }
    let file = BufReader::new(std::fs::File::open(studio.path("way.gif")).unwrap());
    let frames = GifDecoder::new(file).unwrap().into_frames().count();
    assert_eq!(frames, 4, "three on the way and the result");
}

#[test]
fn the_photos_colours_stay_within_one_step_of_8_bits() {
    let studio = Studio::new();
    let painted = painted(&studio, &["--color", "content", "--optimizer", "adam"]);
    let photo = picture(&studio, "photo.png").resized(painted.width, painted.height);
    let chroma = |rgb: &[f32]| {
        let [r, g, b] = [rgb[0], rgb[1], rgb[2]];
        [
            0.596 * r - 0.274 * g - 0.322 * b,
            0.211 * r - 0.523 * g + 0.312 * b,
        ]
    };
    let mut moved = 0.0_f32;
    for (found, expected) in painted.pixels.chunks(3).zip(photo.pixels.chunks(3)) {
        for (a, b) in chroma(found).into_iter().zip(chroma(expected)) {
            assert!((a - b).abs() <= 1.0 / 255.0, "{found:?} for {expected:?}");
        }
        moved = moved.max((found[0] - expected[0]).abs());
    }
    assert!(moved > 2.0 / 255.0, "the luminance was painted");
}

#[test]
fn two_paintings_are_mixed_by_their_weights() {
    let studio = Studio::new();
    studio.draw("other.png", 50, 30);
    let noise: Vec<u8> = (0..50 * 30 * 3_u32)
        .map(|i| (i * 7919 % 251) as u8)
        .collect();
    let noise = image::RgbImage::from_raw(50, 30, noise).unwrap();
    noise.save(studio.path("other.png")).unwrap();
    let distance = |a: &Picture, b: &Picture| -> f32 {
        a.pixels
            .iter()
            .zip(&b.pixels)
            .map(|(a, b)| (a - b).abs())
            .sum()
    };
    let steps = ["--steps", "30"];
    let alone = painted(&studio, &steps);
    let little = painted(
        &studio,
        &[&steps[..], &["--style", "other.png:0.1"]].concat(),
    );
    let much = painted(
        &studio,
        &[&steps[..], &["--style", "other.png:10"]].concat(),
    );
    let (near, far) = (distance(&alone, &little), distance(&alone, &much));
    assert!(0.0 < near && 2.0 * near < far, "{near} {far}");
}

#[test]
fn masks_are_paired_and_an_empty_one_is_named() {
    let studio = Studio::new();
    let grey = |name: &str, value: u8| {
        image::GrayImage::from_pixel(20, 20, image::Luma([value]))
            .save(studio.path(name))
            .unwrap();
    };
    grey("white.png", 255);
    grey("black.png", 0);
    let refused = |flags: &[&str], why: &str| {
        let out = ["-o", "out.png"];
        studio
            .transfer()
            .args(flags)
            .args(out)
            .assert()
            .code(2)
            .stderr(contains(why));
    };
    let pair = ["--content-mask", "white.png", "--style-mask", "black.png"];
    refused(&pair, "--style-mask");
    refused(&pair[2..], "--content-mask");
    refused(
        &["--content-mask", "black.png", "--style-mask", "white.png"],
        "empty",
    );
    let all = ["--content-mask", "white.png", "--style-mask", "white.png"];
    let masked = painted(&studio, &all);
    let plain = painted(&studio, &[]);
    let most = masked
        .pixels
        .iter()
        .zip(&plain.pixels)
        .map(|(a, b)| (a - b).abs());
    assert!(
        most.fold(0.0, f32::max) < 0.02,
        "a mask of everything changes nothing"
    );
}

#[test]
fn every_start_paints_and_noise_depends_on_the_seed_alone() {
    let studio = Studio::new();
    for init in [
        "content",
        "style",
        "grey",
        "noise",
        "normal",
        "painting.png",
    ] {
        let first = painted(&studio, &["--init", init, "--seed", "5"]);
        let again = painted(&studio, &["--init", init, "--seed", "5"]);
        let other = painted(&studio, &["--init", init, "--seed", "6"]);
        assert!(first.pixels == again.pixels, "{init}");
        let random = ["style", "noise", "normal"].contains(&init);
        assert_eq!(first.pixels != other.pixels, random, "{init}");
    }
}

#[test]
fn strength_goes_from_the_photo_to_the_pure_style() {
    let studio = Studio::new();
    let photo = picture(&studio, "photo.png").resized(32, 24);
    let as_saved = |v: &f32| (v * 255.0).round();
    for flags in [
        &[][..],
        &["--scales", "2", "--min-size", "16"],
        &["--color", "match"],
    ] {
        let none = painted(&studio, &[&["--strength", "0"], flags].concat());
        let same = photo.pixels.iter().map(as_saved);
        assert!(
            same.eq(none.pixels.iter().map(as_saved)),
            "at strength 0 the photo stays"
        );
    }
    let smoothed = painted(&studio, &["--strength", "0", "--tv", "10"]);
    assert_ne!(
        smoothed,
        painted(&studio, &["--strength", "0"]),
        "as asked for"
    );
    let half = painted(&studio, &["--strength", "0.5"]);
    assert_eq!(half, painted(&studio, &[]), "a half is the default");
    let pure = painted(&studio, &["--strength", "1"]);
    assert_eq!(
        pure,
        painted(&studio, &["--alpha", "0"]),
        "1 leaves the content out"
    );
}

#[test]
fn strength_zero_at_the_photos_own_size_gives_its_bytes_back() {
    let studio = Studio::new();
    let own = painted(&studio, &["--strength", "0", "--size", "40"]);
    assert_eq!(own.pixels, picture(&studio, "photo.png").pixels);
}
