//! The Wasserstein style loss through the binary: pictures of one colour, and the time it takes.

mod common;

use common::studio::Studio;
use predicates::prelude::*;
use predicates::str::contains;

/// A blown-out sky, and pictures of nothing else.
#[test]
fn wasserstein_paints_what_has_one_colour() {
    let studio = Studio::new();
    let flat = |name: &str, level: u8| {
        let colour = image::Rgb([level; 3]);
        let picture = image::RgbImage::from_pixel(40, 30, colour);
        picture.save(studio.path(name)).unwrap();
    };
    flat("black.png", 0);
    flat("white.png", 255);
    let mut sky = image::open(studio.path("photo.png")).unwrap().to_rgb8();
    for (_, y, pixel) in sky.enumerate_pixels_mut() {
        if y < 15 {
            *pixel = image::Rgb([255; 3]);
        }
    }
    sky.save(studio.path("sky.png")).unwrap();
    for (name, top) in [("top.png", true), ("bottom.png", false)] {
        let mask = image::GrayImage::from_fn(40, 30, |_, y| {
            image::Luma([255 * u8::from((y < 15) == top)])
        });
        mask.save(studio.path(name)).unwrap();
    }
    let regions = ["--content-mask", "top.png", "--content-mask", "bottom.png"];
    for (content, style, flags) in [
        ("sky.png", "painting.png", &regions[..]),
        ("black.png", "painting.png", &[]),
        ("white.png", "painting.png", &[]),
        ("photo.png", "black.png", &[]),
        ("photo.png", "white.png", &[]),
        ("black.png", "white.png", &[]),
        ("white.png", "black.png", &[]),
        ("white.png", "white.png", &[]),
    ] {
        own(
            &studio,
            &[&["--content", content, "--style", style], flags].concat(),
        )
        .args(["--style-loss", "wasserstein", "--steps", "6"])
        .assert()
        .success()
        .stderr(contains("exploded").not());
    }
}

/// A transfer with the networks of the binary.
fn own(studio: &Studio, flags: &[&str]) -> assert_cmd::Command {
    let mut nst = studio.nst();
    nst.args(flags)
        .args(["--weights", "builtin", "--size", "40", "-o", "out.png"])
        .arg("--overwrite");
    nst
}

#[test]
fn a_photo_in_its_own_style_is_no_explosion() {
    let studio = Studio::new();
    for loss in ["gram", "wasserstein"] {
        own(&studio, &["--content", "photo.png", "--style", "photo.png"])
            .args(["--style-loss", loss, "--steps", "12"])
            .args(["--style-layers", "block1_conv1,block2_conv1,block3_conv1"])
            .assert()
            .success()
            .stderr(contains("exploded").not());
    }
}

#[test]
fn a_plan_knows_that_wasserstein_takes_longer() {
    let studio = Studio::new();
    let seconds = |flags: &[&str]| {
        let assert = studio
            .nst()
            .args(["plan", "-c", "photo.png", "-s", "painting.png"])
            .args(["--size", "40", "--scales", "1", "--steps", "60"])
            .args(flags)
            .assert()
            .success();
        let said = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
        let (_, time) = said.split_once("time:").unwrap();
        let (number, unit) = time
            .trim()
            .strip_prefix("about ")
            .unwrap()
            .split_once(' ')
            .unwrap();
        let number: f64 = number.parse().unwrap();
        number * if unit == "min" { 60.0 } else { 1.0 }
    };
    let gram = seconds(&[]);
    let wasserstein = seconds(&["--style-loss", "wasserstein"]);
    assert!(
        wasserstein > 2.0 && wasserstein > 4.0 * gram,
        "{gram} {wasserstein}"
    );
}
