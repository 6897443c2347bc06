//! What is known of a graphics card before it works: here of a software one.
#![cfg(all(feature = "gpu", feature = "cli", target_os = "linux"))]

mod common;

use std::fs;
use std::path::PathBuf;

use common::studio::Studio;
use nst::device::{Slot, gpu};
use serde_json::Value;

/// The one file of the cards, and what it says.
fn kept(studio: &Studio) -> (PathBuf, Value) {
    let folder = studio.path("cache/nst/cards");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().flatten().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let path = files[0].path();
    let said = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    (path, said)
}

/// Whether a step of a fresh process goes Winograd's way.
fn goes_winograds_way(studio: &Studio) -> bool {
    let mut command = studio.nst();
    command.env("NST_SOFTWARE_GPU", "1").args([
        "bench",
        "--backend",
        "gpu",
        "--json",
        "--size",
        "48",
        "-n",
        "1",
    ]);
    let output = command.assert().success().get_output().clone();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let kernels = report["kernels"].as_array().unwrap();
    let names: Vec<_> = kernels
        .iter()
        .map(|k| k["name"].as_str().unwrap())
        .collect();
    assert!(names.len() > 5, "{names:?}");
    names.iter().any(|name| name.contains("Products"))
}

#[test]
fn a_second_process_times_nothing_and_a_file_that_is_no_good_is_made_anew() {
    if let Err(error) = gpu(Slot::Best) {
        eprintln!("skipped: {error}");
        return;
    }
    let studio = Studio::new();
    // A card that a processor emulates does not gain by it.
    assert!(!goes_winograds_way(&studio));
    let (path, found) = kept(&studio);
    assert_eq!(found["winograd"], false);
    assert!(!found["card"].as_str().unwrap().is_empty());
    // Had the next process timed the card, it would not go the way that this says.
    let mut other = found.clone();
    other["winograd"] = true.into();
    let said = other.to_string();
    fs::write(&path, &said).unwrap();
    assert!(goes_winograds_way(&studio));
    assert_eq!(fs::read_to_string(&path).unwrap(), said);
    other["card"] = "another card".into();
    for no_good in ["{\"card\":", "", &other.to_string()] {
        fs::write(&path, no_good).unwrap();
        studio.nst().args(["probe-gpu", "best"]).assert().success();
        assert_eq!(kept(&studio).1, found, "after {no_good}");
    }
}

#[test]
fn a_cache_folder_that_cannot_be_written_keeps_no_run_from_its_work() {
    if let Err(error) = gpu(Slot::Best) {
        eprintln!("skipped: {error}");
        return;
    }
    let studio = Studio::new();
    studio.write("cache", "a file where the folder should be");
    assert!(!goes_winograds_way(&studio));
    assert_eq!(studio.bytes("cache"), b"a file where the folder should be");
}

#[test]
fn a_card_in_the_machines_own_memory_may_take_what_is_free_of_it() {
    match gpu(Slot::Best) {
        Ok((_, adapter)) if adapter.shares_memory => {}
        Ok((_, adapter)) => return eprintln!("skipped: {adapter} has memory of its own"),
        Err(error) => return eprintln!("skipped: {error}"),
    }
    let studio = Studio::new();
    let planned = |more: &[&str]| {
        let mut command = studio.nst();
        command
            .env("NST_SOFTWARE_GPU", "1")
            .args(["plan", "-c", "photo.png", "-s", "painting.png"])
            .args(["--backend", "gpu"])
            .args(more);
        let output = command.assert().success().get_output().clone();
        let text = String::from_utf8(output.stdout).unwrap();
        let memory = text.lines().find(|line| line.starts_with("memory:"));
        memory.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    assert!(planned(&["--max-memory", "8GiB"]).ends_with(" of 8.0 GiB"));
    let free = planned(&[]);
    assert!(free.ends_with("iB") && !free.contains("unknown"), "{free}");
}
