//! `nst bench` as a user runs it, and the memory that a step takes.

use assert_cmd::Command;
use serde_json::Value;

fn bench(args: &[&str]) -> Value {
    let output = Command::cargo_bin("nst")
        .unwrap()
        .arg("bench")
        .args(args)
        .arg("--json")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn the_shares_of_a_profile_add_up_to_the_whole_step() {
    let report = bench(&["--size", "64", "--steps", "2", "--threads", "2"]);
    let parts = report["parts"].as_array().unwrap();
    let shares: f64 = parts.iter().map(|part| number(part, "share")).sum();
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
    let seconds: f64 = parts.iter().map(|part| number(part, "seconds")).sum();
    let step = number(&report, "seconds");
    assert!((seconds - step).abs() < 1e-9 * step, "{seconds} {step}");
    let products = parts.iter().find(|part| part["phase"] == "products");
    let products = products.unwrap();
    // Tiles, inputs and outputs of VGG19's layers at 64 px; forward and backward; 36 products of a
    // multiplication and an addition.
    let layers = [
        (256, 64 * 64),
        (64, 64 * 128 + 128 * 128),
        (16, 128 * 256 + 3 * 256 * 256),
        (4, 256 * 512 + 3 * 512 * 512),
        (1, 2 * 512 * 512),
    ];
    let operations: f64 = layers
        .iter()
        .map(|&(tiles, pairs)| f64::from(2 * 72 * tiles * pairs))
        .sum();
    let found = number(products, "gflops") * 1e9 * number(products, "seconds");
    assert!(
        (found / operations - 1.0).abs() < 1e-6,
        "{found} {operations}"
    );
}

#[test]
fn vgg16_has_a_profile_too() {
    let report = bench(&["--size", "32", "--steps", "1", "--model", "vgg16"]);
    assert_eq!(report["model"], "vgg16");
    assert!(number(&report, "median_seconds") > 0.0);
}

#[cfg(target_os = "linux")]
#[test]
fn no_more_threads_run_than_cores_the_process_is_bound_to() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = |l: &&str| l.starts_with("Cpus_allowed_list:");
    let cores = status.lines().find(line).unwrap();
    let digits = |c: char| c.is_ascii_digit();
    let core = &cores[cores.find(digits).unwrap()..];
    let core = &core[..core.find(|c| !digits(c)).unwrap_or(core.len())];
    let output = std::process::Command::new("taskset")
        .args(["--cpu-list", core, env!("CARGO_BIN_EXE_nst")])
        .args(["bench", "--size", "16", "--steps", "1", "--json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["threads"], 1);
}

/// The README's figure: 1.1 GiB for 1024 px. Seconds long, so run with `--ignored`.
#[test]
#[ignore = "takes several seconds"]
fn a_step_at_1024_px_stays_under_its_stated_memory() {
    let report = bench(&["--size", "1024", "--steps", "2", "--threads", "2"]);
    match report["peak_rss_mib"].as_f64() {
        Some(peak) => assert!(peak < 1126.0, "{peak} MiB"),
        None => eprintln!("skipped: this system does not tell a process's peak memory"),
    }
}
