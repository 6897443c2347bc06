//! The memory that a run takes, against what `memory::predict` says.
//!
//!     cargo test --release --test memory -- --ignored --nocapture

use std::path::{Path, PathBuf};
use std::process::Command;

use nst::job::{InputSizes, Size};
use nst::optimize::{self, Method};
use nst::vgg::{Layer, Model};
use nst::{Job, loss, memory};
use tempfile::TempDir;
use wait4::Wait4;

/// Width and height of the pictures below.
const PICTURE: (usize, usize) = (1024, 768);

fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("assets")
        .join(name)
}

/// The peak memory of the process that paints, in bytes.
fn measured(flags: &str) -> u64 {
    let folder = TempDir::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_nst"))
        .arg("--content")
        .arg(asset("content/harbour.jpg"))
        .arg("--style")
        .arg(asset("style/swirl.jpg"))
        .args(["--weights", "builtin", "--quiet", "--threads", "2"])
        .args(flags.split_whitespace())
        .arg("-o")
        .arg(folder.path().join("out.png"))
        .spawn()
        .unwrap();
    let ended = child.wait4().unwrap();
    assert!(ended.status.success(), "nst {flags}");
    ended.rusage.maxrss
}

fn predicted(job: &Job) -> u64 {
    let inputs = InputSizes {
        content: PICTURE,
        styles: vec![PICTURE],
    };
    memory::predict(job, &job.plan(&inputs).unwrap(), &inputs)
}

fn textbook(size: usize) -> Job {
    Job {
        size: Size::Long(size),
        scales: Some(1),
        ..Job::default()
    }
}

#[test]
#[ignore = "paints up to 1536 px: a minute or more"]
fn the_prediction_is_within_a_fifth_of_the_peak() {
    let mut cases: Vec<_> = [256, 384, 512, 768, 1024, 1536]
        .map(|size| (format!("--size {size} --scales 1 -n 2"), textbook(size)))
        .into();
    cases.push(("--size 724 -n 2".into(), {
        Job {
            size: Size::Long(724),
            ..Job::default()
        }
    }));
    cases.push(("--size 512 --scales 1 -n 25 --optimizer lbfgs".into(), {
        Job {
            optimize: optimize::Settings {
                method: Method::Lbfgs,
                ..optimize::Settings::default()
            },
            ..textbook(512)
        }
    }));
    cases.push(("--size 768 --scales 1 -n 2 --model vgg16".into(), {
        Job {
            model: Model::Vgg16,
            ..textbook(768)
        }
    }));
    let shallow = "--content-layer block2_conv2 --style-layers block1_conv1,block2_conv1";
    cases.push((format!("--size 1024 --scales 1 -n 2 {shallow}"), {
        Job {
            loss: loss::Settings {
                content_layers: vec![Layer::new(2, 2).into()],
                style_layers: [1, 2].map(|block| Layer::new(block, 1).into()).into(),
                ..loss::Settings::default()
            },
            ..textbook(1024)
        }
    }));
    println!("| flags | predicted, MiB | measured, MiB | ratio |\n|---|---|---|---|");
    let mut worst = 1.0_f64;
    for (flags, job) in cases {
        let (said, found) = (predicted(&job), measured(&flags));
        let ratio = said as f64 / found as f64;
        worst = if ratio.ln().abs() > worst.ln().abs() {
            ratio
        } else {
            worst
        };
        println!(
            "| {flags} | {} | {} | {ratio:.2} |",
            said >> 20,
            found >> 20
        );
    }
    assert!((0.8..1.2).contains(&worst), "the worst ratio is {worst:.2}");
}

#[test]
fn a_1024_px_step_stays_under_a_gigabyte() {
    let peak = measured("--size 1024 --scales 1 -n 1") >> 20;
    assert!(peak < 1024, "{peak} MiB");
}
