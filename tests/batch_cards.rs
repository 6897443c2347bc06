//! A batch on several graphics cards: here two workers on a software one.
#![cfg(all(feature = "gpu", feature = "cli", target_os = "linux"))]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use common::batch::{DEFAULTS, endless_at, list, send, studio, wait_until};
use common::studio::Studio;
use nst::device::{Slot, gpu};
use nst::picture::{Limits, decode};
use serde_json::Value;

/// Whether there is a card, or one in software; if not, the reason is printed.
fn has_card() -> bool {
    let started = gpu(Slot::Best);
    if let Err(error) = &started {
        eprintln!("skipped: {error}");
    }
    started.is_ok()
}

/// `nst batch jobs.toml` with two workers on the first card.
fn on_two(studio: &Studio, more: &[&str]) -> Command {
    let flags = ["batch", "jobs.toml", "--devices", "0,0"];
    let mut command = studio.process(&[&flags, more, &["--"]].concat(), &[]);
    command
        .env("NST_SOFTWARE_GPU", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The objects that a process prints, as it prints them.
fn events(process: &mut Child) -> impl Iterator<Item = Value> + use<> {
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

/// The jobs of the events of this kind.
fn jobs_of(events: &[Value], kind: &str) -> Vec<u64> {
    let told = events.iter().filter(|event| event["event"] == kind);
    let mut jobs: Vec<_> = told.map(|event| event["job"].as_u64().unwrap()).collect();
    jobs.sort_unstable();
    jobs
}

/// The processes that this one has started and that are alive.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|p| p.file_name().to_str()?.parse().ok());
    let is_child = |number: &u32| {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map(|(_, fields)| fields.to_owned());
        let fields = fields.unwrap_or_default();
        let mut fields = fields.split(' ');
        fields.next() != Some("Z") && fields.next() == Some(&parent.to_string())
    };
    numbers.filter(is_child).collect()
}

#[test]
fn two_workers_share_a_list_and_paint_what_one_process_would() {
    if !has_card() {
        return;
    }
    let steps = |list: String| list.replacen("steps = 2\n", "steps = 20\njson = true\n", 1);
    let studio = studio(&steps(list(5, "")));
    studio.write("out/5.png", "precious");
    let mut process = on_two(&studio, &["--report", "out.html"]).spawn().unwrap();
    let told: Vec<_> = events(&mut process).collect();
    let ended = process.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{told:?}\n{said}");
    assert_eq!(jobs_of(&told, "done"), [1, 2, 3, 4]);
    assert_eq!(jobs_of(&told, "skipped"), [5]);
    assert_eq!(jobs_of(&told, "step").len(), 4 * 20);
    let last = told.last().unwrap();
    assert_eq!(
        (&last["event"], &last["done"]),
        (&"summary".into(), &4.into())
    );
    // Both painted at once.
    let first_done = told.iter().position(|event| event["event"] == "done");
    let before = jobs_of(&told[..first_done.unwrap()], "step");
    assert_eq!((before.first(), before.last()), (Some(&1), Some(&2)));
    let page = String::from_utf8(studio.bytes("out.html")).unwrap();
    assert_eq!(page.matches("<img").count(), 4, "a thumbnail of each");
    let painted = || [1, 2, 3, 4].map(|k| studio.bytes(&format!("out/{k}.png")));
    let on_two = painted();
    let flags = [
        "batch",
        "jobs.toml",
        "--overwrite",
        "--",
        "--backend",
        "gpu",
    ];
    let mut alone = studio.process(&flags, &[]);
    assert!(
        alone
            .env("NST_SOFTWARE_GPU", "1")
            .output()
            .unwrap()
            .status
            .success()
    );
    assert!(painted() == on_two);
}

#[test]
fn a_worker_that_dies_costs_its_picture_alone_and_a_signal_reaches_the_others() {
    if !has_card() {
        return;
    }
    let endless = endless_at(&endless_at(&list(4, "json = true\n"), 1), 2);
    let studio = studio(&endless);
    let mut process = on_two(&studio, &[]).spawn().unwrap();
    let mut events = events(&mut process);
    for job in [1, 2] {
        let step = |event: &Value| event["event"] == "step" && event["job"] == job;
        // Each prints many.
        events.by_ref().find(step).expect("both are at work");
    }
    let workers = children(process.id());
    assert_eq!(workers.len(), 2, "{workers:?}");
    send("-KILL", workers[0]);
    let mut of_kind = |kind: &str| {
        events
            .by_ref()
            .find(|event| event["event"] == kind)
            .unwrap()
    };
    let failed = of_kind("failed");
    let error = failed["error"].as_str().unwrap();
    assert!(
        error.contains("gpu 0") && error.contains("signal: 9"),
        "{error}"
    );
    for job in [3, 4] {
        assert_eq!(of_kind("done")["job"], job);
    }
    send("-TERM", process.id());
    let other = 3 - failed["job"].as_u64().unwrap();
    assert_eq!(of_kind("done")["job"], other, "saved as it is");
    let summary = of_kind("summary");
    for (name, count) in [
        ("done", 2),
        ("failed", 1),
        ("unfinished", 1),
        ("not_begun", 0),
    ] {
        assert_eq!(summary[name], count, "{name}");
    }
    assert_eq!(process.wait().unwrap().code(), Some(143));
    decode(
        &studio.path(&format!("out/{other}.png")),
        &Limits::default(),
    )
    .unwrap();
}

#[test]
fn workers_whose_parent_is_killed_save_their_pictures_and_end() {
    if !has_card() {
        return;
    }
    let studio = studio(&endless_at(&endless_at(&list(2, "json = true\n"), 1), 2));
    let mut process = on_two(&studio, &[]).spawn().unwrap();
    let (mut seen, mut events) = (Vec::new(), events(&mut process));
    for event in events.by_ref() {
        seen.push(event["job"].clone());
        if seen.contains(&1.into()) && seen.contains(&2.into()) {
            break;
        }
    }
    let workers = children(process.id());
    assert_eq!(workers.len(), 2, "{workers:?}");
    process.kill().unwrap();
    process.wait().unwrap();
    let gone = |worker: &u32| !std::path::Path::new(&format!("/proc/{worker}")).exists();
    wait_until(|| workers.iter().all(gone));
    for k in [1, 2] {
        decode(&studio.path(&format!("out/{k}.png")), &Limits::default()).unwrap();
    }
}

#[test]
fn jobs_on_several_cards_choose_none_themselves() {
    let job = |more: &str| format!("{DEFAULTS}[[job]]\noutput = \"out/1.png\"\n{more}\n");
    let studio = studio(&job("device = \"1\""));
    for (list, said) in [
        (job("device = \"1\""), "job 1 has --device 1"),
        (job("backend = \"cpu\""), "job 1 has --backend cpu"),
    ] {
        studio.write("jobs.toml", &list);
        let output = on_two(&studio, &[]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("--devices") && text.contains(said), "{text}");
    }
    studio.write("jobs.toml", &list(1, ""));
    let output = studio
        .process(&["batch", "jobs.toml", "--devices", "99", "--"], &[])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("--devices: there is no GPU 99"), "{text}");
    assert!(studio.files_in("out").is_empty());
}
