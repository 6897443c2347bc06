//! Lists of small jobs, and processes that do them.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use nst::picture::{Limits, decode};

use super::studio::Studio;

/// What every job of these tests shares.
pub const DEFAULTS: &str = "\
    [defaults]\n\
    content = \"photo.png\"\n\
    style = \"painting.png\"\n\
    weights = \"weights.safetensors\"\n\
    size = 16\n\
    steps = 2\n\
    quiet = true\n\
    content-layer = \"block1_conv2\"\n\
    style-layers = [\"block1_conv1\", \"block1_conv2\"]\n";

/// A list whose job number k has a beta of k and the output `out/k.png`.
pub fn list(jobs: usize, more: &str) -> String {
    let job = |k| format!("[[job]]\noutput = \"out/{k}.png\"\nbeta = {k}\n");
    let jobs: String = (1..=jobs).map(job).collect();
    format!("{DEFAULTS}{more}{jobs}")
}

/// The list with a job that does not end, so that its worker can be killed at it.
pub fn endless_at(list: &str, job: usize) -> String {
    let output = format!("output = \"out/{job}.png\"\n");
    assert!(list.contains(&output));
    list.replace(&output, &format!("{output}steps = 1000000000\n"))
}

pub fn studio(list: &str) -> Studio {
    let studio = Studio::new();
    studio.write("jobs.toml", list);
    std::fs::create_dir(studio.path("out")).unwrap();
    studio
}

pub fn batch(studio: &Studio, arguments: &[&str]) -> Command {
    let mut command = studio.nst();
    command.arg("batch").args(arguments);
    command
}

/// The picture of the job with this beta, painted by a run of its own.
pub fn alone(studio: &Studio, beta: usize) -> Vec<u8> {
    studio
        .transfer()
        .args(["--size", "16", "--steps", "2", "--quiet", "--overwrite"])
        .args(["--beta", &beta.to_string(), "-o", "alone.png"])
        .assert()
        .success();
    studio.bytes("alone.png")
}

pub fn spawn(studio: &Studio, arguments: &[&str]) -> Child {
    studio
        .bare()
        .arg("batch")
        .args(arguments)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

pub fn assert_whole(studio: &Studio, outputs: usize) {
    let mut expected: Vec<_> = (1..=outputs).map(|k| format!("{k}.png")).collect();
    expected.sort();
    assert_eq!(studio.files_in("out"), expected);
    for name in expected {
        decode(&studio.path("out").join(name), &Limits::default()).unwrap();
    }
}

/// Waits until something is so, three minutes at most: machines can be busy.
pub fn wait_until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_mins(3), "nothing happens");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(unix)]
pub fn send(signal: &str, process: u32) {
    let status = std::process::Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(status.unwrap().success());
}
