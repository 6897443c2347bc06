//! The binary run as a user would.

mod common;

use std::path::Path;

use common::studio::{SHALLOW, Studio};
use nst::picture::{Limits, decode};
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

fn json_lines(output: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(output).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_small_transfer_paints_a_picture_of_the_size_asked_for() {
    let studio = Studio::new();
    studio
        .transfer()
        .args(["-o", "out.png"])
        .assert()
        .success()
        .stdout("")
        .stderr(contains("step 3/3").and(contains("out.png: 32x24, 3 steps")));
    let out = decode(&studio.path("out.png"), &Limits::default()).unwrap();
    assert_eq!((out.width, out.height), (32, 24));
    let photo = decode(&studio.path("photo.png"), &Limits::default()).unwrap();
    assert_ne!(out.pixels, photo.resized(32, 24).pixels);
}

#[test]
#[ignore = "needs ../shared: ImageNet's VGG19"]
fn a_whole_transfer_with_imagenet_weights_lowers_the_loss() {
    let weights = common::shared("weights/vgg19.safetensors");
    let studio = Studio::new();
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let output = studio
        .nst()
        .arg("--content")
        .arg(assets.join("content/harbour.jpg"))
        .arg("--style")
        .arg(assets.join("style/swirl.jpg"))
        .args([
            "--size",
            "96",
            "--steps",
            "12",
            "--json",
            "-o",
            "out.jpg",
            "--weights",
        ])
        .arg(weights)
        .assert()
        .success();
    let lines = json_lines(&output.get_output().stdout);
    let total = |k: usize| lines[k]["total"].as_f64().unwrap();
    assert!(total(11) < 0.5 * total(0), "{} to {}", total(0), total(11));
}

#[test]
fn json_lines_keep_their_contract() {
    let studio = Studio::new();
    let output = studio
        .transfer()
        .args([
            "--json", "--quiet", "--alpha", "2", "--beta", "5", "-o", "out.png",
        ])
        .assert()
        .success()
        .stderr("");
    let lines = json_lines(&output.get_output().stdout);
    assert_eq!(lines.len(), 4);
    for (k, line) in lines[..3].iter().enumerate() {
        let mut names = keys(line);
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "content", "done", "event", "layers", "scale", "seconds", "step", "style", "total",
                "tv"
            ]
        );
        assert_eq!(line["event"], "step");
        assert_eq!(line["scale"], 1);
        assert_eq!(line["step"], k + 1);
        assert_eq!(line["done"], k + 1);
        assert_eq!(keys(&line["layers"]), ["block1_conv1", "block1_conv2"]);
        let number = |v: &Value| v.as_f64().unwrap();
        let layers = &line["layers"];
        let mean = f64::midpoint(
            number(&layers["block1_conv1"]),
            number(&layers["block1_conv2"]),
        );
        common::assert_close("style", number(&line["style"]), mean, 1e-5);
        let total = 2.0 * number(&line["content"]) + 5.0 * mean + 10.0 * number(&line["tv"]);
        common::assert_close("total", number(&line["total"]), total, 1e-5);
    }
    let done = &lines[3];
    let mut names = keys(done);
    names.sort_unstable();
    assert_eq!(
        names,
        ["event", "height", "output", "seconds", "steps", "width"]
    );
    assert_eq!(done["event"], "done");
    assert_eq!(done["output"], "out.png");
    assert_eq!((&done["width"], &done["height"]), (&32.into(), &24.into()));
    assert_eq!(done["steps"], 3);
}

#[test]
fn the_same_command_twice_gives_the_same_bytes() {
    let studio = Studio::new();
    for name in ["a.png", "b.png"] {
        let flags = [
            "--init",
            "noise",
            "--seed",
            "4",
            "--threads",
            "2",
            "-o",
            name,
        ];
        studio.transfer().args(flags).assert().success();
    }
    let bytes = |name| std::fs::read(studio.path(name)).unwrap();
    assert_eq!(bytes("a.png"), bytes("b.png"));
    let flags = ["--init", "noise", "--seed", "5", "-o", "c.png"];
    studio.transfer().args(flags).assert().success();
    assert_ne!(bytes("a.png"), bytes("c.png"));
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let studio = Studio::new();
    let bytes = ["1", "2", "3", "8"].map(|threads| {
        let name = format!("{threads}.png");
        studio
            .transfer()
            .args(["--threads", threads, "-o", &name])
            .assert()
            .success();
        std::fs::read(studio.path(&name)).unwrap()
    });
    assert!(bytes.iter().all(|b| *b == bytes[0]));
}

#[test]
fn frames_are_saved_on_the_way() {
    let studio = Studio::new();
    studio
        .transfer()
        .args(["--save-every", "2", "--steps", "5", "-o", "out.webp"])
        .assert()
        .success();
    let frames: Vec<_> = studio
        .files()
        .into_iter()
        .filter(|f| f.starts_with("out"))
        .collect();
    assert_eq!(frames, ["out-00002.webp", "out-00004.webp", "out.webp"]);
}

#[test]
fn without_an_output_the_name_is_made_of_both_pictures() {
    let studio = Studio::new();
    studio.transfer().assert().success();
    assert!(studio.path("photo_painting.png").exists());
}

#[test]
fn gradient_descent_lowers_the_loss_from_every_start() {
    let studio = Studio::new();
    for (k, init) in ["content", "style", "noise", "painting.png"]
        .iter()
        .enumerate()
    {
        let name = format!("{k}.png");
        let output = studio
            .transfer()
            .args(["--optimizer", "gd", "--lr", "0.5", "--loss", "balanced"])
            .args(["--scales", "1", "--json", "--init", init, "-o", &name])
            .assert()
            .success();
        let lines = json_lines(&output.get_output().stdout);
        let totals: Vec<_> = lines.iter().filter_map(|l| l["total"].as_f64()).collect();
        assert_eq!(totals.len(), 3);
        assert!(
            totals[2] < totals[1] && totals[1] < totals[0],
            "{init}: {totals:?}"
        );
    }
}

#[test]
fn wrong_values_are_refused_before_any_work_with_the_flag_and_the_range() {
    let studio = Studio::new();
    for (flag, value, range) in [
        ("--alpha", "-1", "a number from 0 up"),
        ("--alpha", "nan", "a number from 0 up"),
        ("--beta", "1e400", "a number from 0 up"),
        ("--lr", "0", "a number above 0"),
        ("--steps", "0", "1 or more"),
        ("--size", "0", "1 to 65535 pixels"),
        ("--scales", "0", "1 or more"),
        ("--scale-factor", "1", "1.01 to 16"),
        ("--min-size", "0", "1 pixel or more"),
        ("--tv", "-1", "a number from 0 up"),
        ("--strength", "1.5", "from 0 (the photo) to 1"),
        ("--average", "1", "from 0 to below 1"),
        ("--history", "0", "1 to 100"),
        ("--style-scale", "0", "0.05 to 20"),
        ("--area", "-1", "such as 0.5MP"),
        ("--pool", "min", "max, avg"),
        ("--style-loss", "l1", "gram, wasserstein"),
        ("--color", "grey", "style, content, match"),
        ("--preset", "slow", "fast, balanced, best"),
        ("--threads", "0", "1..=1024"),
        ("--save-every", "0", "1.."),
        ("--model", "vgg11", "vgg16, vgg19"),
        ("--loss", "l2", "balanced, paper"),
        ("--optimizer", "sgd", "adam, lbfgs, gd"),
        ("--backend", "tpu", "cpu, gpu, ndarray, auto"),
        ("--device", "0", "add --backend gpu"),
        ("--tile", "12px", "such as 512,1024,none"),
        ("--style-layers", "relu1", "to block5_conv4"),
        ("--steps", "many", "invalid digit"),
    ] {
        studio
            .transfer()
            .args([flag, value, "-o", "out.png"])
            .assert()
            .code(2)
            .stderr(contains(flag).and(contains(range)));
    }
    assert!(!studio.path("out.png").exists());
}

#[test]
fn missing_pictures_are_wrong_usage() {
    let studio = Studio::new();
    studio.nst().assert().code(2).stderr(contains("--content"));
    studio
        .nst()
        .args(["--content", "photo.png"])
        .assert()
        .code(2)
        .stderr(contains("--style"));
}

#[test]
fn a_layer_the_model_lacks_is_refused() {
    let studio = Studio::new();
    studio
        .transfer()
        .args([
            "--model",
            "vgg16",
            "--content-layer",
            "block3_conv4",
            "-o",
            "out.png",
        ])
        .assert()
        .failure();
    studio
        .nst()
        .args(["-c", "photo.png", "-s", "painting.png", "--model", "vgg16"])
        .args(["--content-layer", "block3_conv4", "-o", "out.png"])
        .assert()
        .code(2)
        .stderr(contains("vgg16 has no such layer"));
}

#[test]
fn pictures_that_cannot_be_read_are_named() {
    let studio = Studio::new();
    std::fs::write(studio.path("text.png"), "not a picture").unwrap();
    for name in ["missing.png", "text.png", "."] {
        studio
            .nst()
            .args([
                "--content",
                name,
                "--style",
                "painting.png",
                "-o",
                "out.png",
            ])
            .assert()
            .code(1)
            .stderr(contains(name));
    }
}

#[test]
fn a_picture_too_small_for_the_deepest_layer_says_the_smallest_side() {
    let studio = Studio::new();
    studio.draw("thin.png", 400, 9);
    studio
        .nst()
        .args([
            "--content",
            "thin.png",
            "--style",
            "painting.png",
            "-o",
            "out.png",
        ])
        .assert()
        .code(2)
        .stderr(contains("at least 16 pixels"));
}

#[test]
fn an_output_that_cannot_be_is_refused_before_any_work() {
    let studio = Studio::new();
    std::fs::write(studio.path("old.png"), "precious").unwrap();
    for (name, reason) in [
        ("old.png", "--overwrite"),
        ("out.xyz", "xyz"),
        ("nowhere/out.png", "nowhere"),
        ("photo.png", "photo.png"),
    ] {
        studio
            .transfer()
            .args(["-o", name])
            .assert()
            .failure()
            .stderr(contains(reason));
    }
    assert_eq!(std::fs::read(studio.path("old.png")).unwrap(), b"precious");
    studio
        .transfer()
        .args(["-o", "old.png", "--overwrite"])
        .assert()
        .success();
    assert!(decode(&studio.path("old.png"), &Limits::default()).is_ok());
    assert!(studio.files().iter().all(|name| !name.contains("tmp")));
}

#[test]
fn weights_that_are_missing_or_wrong_are_named() {
    let studio = Studio::new();
    std::fs::write(studio.path("junk.safetensors"), "junk").unwrap();
    for name in ["nothing.safetensors", "junk.safetensors"] {
        studio
            .transfer()
            .args(["--weights", name, "-o", "out.png"])
            .assert()
            .failure()
            .stderr(contains(name));
    }
    // The default layers go deeper than these weights.
    studio
        .nst()
        .args([
            "-c",
            "photo.png",
            "-s",
            "painting.png",
            "-w",
            "weights.safetensors",
        ])
        .assert()
        .code(1)
        .stderr(contains("block2_conv1.weight"));
}

#[test]
fn weights_are_found_through_the_environment_and_beside_the_working_folder() {
    let studio = Studio::new();
    let bare = |studio: &Studio| {
        let mut command = studio.nst();
        command
            .args([
                "-c",
                "photo.png",
                "-s",
                "painting.png",
                "--overwrite",
                "--steps",
                "1",
            ])
            .args(["--size", "16", "-o", "out.png"])
            .args(SHALLOW);
        command
    };
    bare(&studio)
        .env("NST_WEIGHTS", studio.path("weights.safetensors"))
        .assert()
        .success();
    std::fs::create_dir(studio.path("weights")).unwrap();
    studio.write_weights("weights/vgg19.safetensors");
    bare(&studio).assert().success();
}

#[test]
fn a_gpu_that_is_not_there_is_an_error_for_gpu_and_a_note_for_auto() {
    let studio = Studio::new();
    let blind = |backend: &str| {
        let mut command = studio.transfer();
        command
            .env("VK_DRIVER_FILES", "/nonexistent.json")
            .env("VK_ICD_FILENAMES", "/nonexistent.json")
            .args(["--backend", backend, "--overwrite", "-o", "out.png"]);
        command
    };
    if cfg!(target_os = "linux") {
        blind("gpu")
            .assert()
            .code(1)
            .stderr(contains("--backend cpu").and(contains("panicked").not()));
        blind("auto")
            .assert()
            .success()
            .stderr(contains("using the CPU"));
    }
}

#[test]
fn help_groups_the_flags_and_ends_with_examples() {
    let studio = Studio::new();
    let help = studio.nst().arg("--help").assert().success();
    let text = String::from_utf8(help.get_output().stdout.clone()).unwrap();
    for heading in [
        "Pictures:",
        "Style:",
        "Optimisation:",
        "Hardware:",
        "Output:",
        "Examples:",
    ] {
        assert!(text.contains(heading), "{heading}");
    }
    assert!(text.contains("[default: 512]"));
    assert_eq!(text.matches("\n  nst ").count(), 4);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_saves_its_picture_and_exits_130() {
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    let studio = Studio::new();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("nst"))
        .current_dir(studio.folder())
        .args([
            "-c",
            "photo.png",
            "-s",
            "painting.png",
            "-w",
            "weights.safetensors",
        ])
        .args([
            "--steps",
            "1000000",
            "--save-every",
            "1",
            "--quiet",
            "-o",
            "out.png",
        ])
        .args(SHALLOW)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !studio.path("out-00001.png").exists() && start.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(decode(&studio.path("out.png"), &Limits::default()).is_ok());
}
