//! A graphics card whose memory ends in the middle of a batch: a software one under a bound that is
//! lowered while it paints.
#![cfg(all(feature = "gpu", feature = "cli", target_os = "linux"))]

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use common::batch::{DEFAULTS, studio};
use nst::device;
use nst::picture::{Limits, decode};

/// Bounds the address space of a process; none is no bound.
fn bound(process: &Child, bytes: Option<u64>) {
    let bytes = bytes.map_or("unlimited".into(), |bytes| bytes.to_string());
    let set = Command::new("prlimit")
        .args([
            "--pid",
            &process.id().to_string(),
            &format!("--as={bytes}:"),
        ])
        .status();
    assert!(set.expect("util-linux is there").success());
}

fn address_space(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let size = status
        .lines()
        .find_map(|l| l.strip_prefix("VmSize:"))
        .unwrap();
    1024 * size.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
}

#[test]
fn the_picture_so_far_is_saved_and_the_batch_goes_on() {
    if let Err(error) = device::gpu(device::Slot::Best) {
        eprintln!("skipped: {error}");
        return;
    }
    let job = |name: &str, more: &str| {
        format!("[[job]]\noutput = \"out/{name}.png\"\nbackend = \"gpu\"\n{more}\n")
    };
    let large = "size = 800\nscales = 2\nscale-factor = 16\nmin-size = 32\nsteps-per-scale = 60\n";
    // Not what is free while the bound is still there.
    let small = "max-memory = \"4GiB\"\n";
    let list = format!("{DEFAULTS}{}{}", job("large", large), job("small", small));
    let studio = studio(&list);
    let mut process = studio
        .process(&["batch", "jobs.toml", "--"], &["--json"])
        .env("NST_SOFTWARE_GPU", "1")
        .env_remove("RUST_BACKTRACE")
        .stdout(Stdio::piped())
        .stderr(File::create(studio.path("said")).unwrap())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut events =
        lines.map(|line| -> serde_json::Value { serde_json::from_str(&line.unwrap()).unwrap() });
    let mut until = |wanted: &str| events.find(|event| event["event"] == wanted);
    until("step").expect("it paints");
    // Room for the driver's compiler, and too little for a map of the next scale.
    bound(&process, Some(address_space(&process) + (64 << 20)));
    let failed = until("failed").expect("its memory ends");
    bound(&process, None);
    let said = failed["error"].as_str().unwrap();
    for part in [
        "out/large.png is the picture after step",
        "Memory",
        "--size",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(
        until("done").expect("the next one")["output"],
        "out/small.png"
    );
    assert_eq!(process.wait().unwrap().code(), Some(1));
    let heard = String::from_utf8(studio.bytes("said")).unwrap();
    assert!(heard.contains("job 1 failed"), "{heard}");
    assert!(!heard.contains("panicked"), "said once: {heard}");
    let saved = decode(&studio.path("out/large.png"), &Limits::default()).unwrap();
    assert_eq!(saved.width, 800);
}
