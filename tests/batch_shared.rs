//! Batches that several processes share, and that are interrupted or killed.

#![cfg(feature = "cli")]

mod common;

use std::path::Path;
use std::process::{Output, Stdio};

use assert_cmd::Command;
use common::batch::{
    alone, assert_whole, batch, endless_at, list, send, spawn, studio, wait_until,
};
use common::studio::Studio;
use nst::files::Claim;
use nst::picture::{Limits, decode};
use predicates::str::contains;

#[test]
fn shards_share_a_list_without_overlap() {
    let studio = studio(&list(5, ""));
    for (shard, done, others) in [("1/3", 2, 3), ("2/3", 2, 3), ("3/3", 1, 4)] {
        batch(&studio, &["jobs.toml", "--shard", shard])
            .assert()
            .success()
            .stderr(format!(
                "batch: {done} done, 0 skipped, 0 failed, {others} of other shards\n"
            ));
    }
    assert_eq!(studio.files_in("out").len(), 5);
}

#[test]
fn a_claimed_output_is_left_to_the_one_who_claimed_it() {
    let studio = studio(&list(2, ""));
    let claim = Claim::take(&studio.path("out/1.png")).unwrap().unwrap();
    batch(&studio, &["jobs.toml", "--overwrite"])
        .assert()
        .code(3)
        .stderr("batch: 1 done, 0 skipped, 0 failed, 1 still taken by another\n");
    drop(claim);
    assert_eq!(studio.files_in("out"), ["2.png"]);
    batch(&studio, &["jobs.toml"])
        .assert()
        .success()
        .stderr("batch: 1 done, 1 skipped, 0 failed\n");
    let claim = Claim::take(&studio.path("out/1.png")).unwrap().unwrap();
    batch(&studio, &["jobs.toml", "--overwrite", "--no-claims"])
        .assert()
        .success()
        .stderr("batch: 2 done, 0 skipped, 0 failed\n");
    drop(claim);
    assert_eq!(studio.files_in("out"), ["1.png", "2.png"]);
}

#[test]
fn what_another_had_taken_is_painted_in_the_end_if_that_one_has_died() {
    let studio = studio(&list(1, ""));
    let slow = list(2, "").replace(
        "output = \"out/2.png\"\n",
        "output = \"out/2.png\"\nsteps = 200\nsave-every = 1\n",
    );
    studio.write("slow.toml", &slow);
    let claim = Claim::take(&studio.path("out/1.png")).unwrap().unwrap();
    let worker = spawn(&studio, &["slow.toml"]);
    wait_until(|| studio.path("out/2-00001.png").exists());
    drop(claim);
    let output = worker.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(done(&output), 2);
    assert!(studio.bytes("out/1.png") == alone(&studio, 1));
}

/// How many jobs a finished batch says it did.
fn done(output: &Output) -> usize {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary = text.lines().last().unwrap_or_default();
    let count = summary
        .strip_prefix("batch: ")
        .and_then(|s| s.split(' ').next());
    count
        .and_then(|n| n.parse().ok())
        .unwrap_or_else(|| panic!("no summary: {text}"))
}

#[test]
fn processes_on_one_list_never_do_a_job_twice() {
    let studio = studio(&list(12, ""));
    let arguments = ["jobs.toml", "--", "--threads", "1"];
    let workers: Vec<_> = (0..4).map(|_| spawn(&studio, &arguments)).collect();
    let outputs: Vec<_> = workers
        .into_iter()
        .map(|w| w.wait_with_output().unwrap())
        .collect();
    // 3: others were still at theirs.
    assert!(
        outputs
            .iter()
            .all(|output| matches!(output.status.code(), Some(0 | 3))),
        "{outputs:?}"
    );
    assert!(outputs.iter().any(|output| output.status.success()));
    assert_eq!(outputs.iter().map(done).sum::<usize>(), 12, "{outputs:?}");
    assert_whole(&studio, 12);
}

#[cfg(unix)]
#[test]
fn an_interrupted_batch_saves_its_picture_and_the_next_one_paints_it_whole() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let studio = studio(&list(3, ""));
        let endless = list(3, "steps = 1000000\nsave-every = 1\n").replacen("steps = 2\n", "", 1);
        studio.write("endless.toml", &endless);
        let worker = spawn(&studio, &["endless.toml"]);
        wait_until(|| studio.path("out/1-00001.png").exists());
        send(signal, worker.id());
        let output = worker.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            text.contains("out/1.png is the picture after step"),
            "{text}"
        );
        assert!(
            text.ends_with("0 done, 0 skipped, 0 failed, 1 unfinished, 2 not begun\n"),
            "{text}"
        );
        decode(&studio.path("out/1.png"), &Limits::default()).unwrap();
        batch(&studio, &["jobs.toml"])
            .assert()
            .success()
            .stderr("batch: 3 done, 0 skipped, 0 failed\n");
        assert!(studio.bytes("out/1.png") == alone(&studio, 1));
    }
}

#[cfg(unix)]
#[test]
fn a_killed_worker_leaves_nothing_that_the_next_one_does_not_clear() {
    let studio = studio(&list(4, ""));
    studio.write("endless.toml", &endless_at(&list(4, ""), 3));
    let mut worker = spawn(&studio, &["endless.toml"]);
    wait_until(|| Claim::is_marked(&studio.path("out/3.png")));
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert!(
        Claim::is_marked(&studio.path("out/3.png")),
        "killed, it cleared nothing"
    );
    // As if it had been killed while writing, and once more after that.
    let hidden = studio
        .files_in("out")
        .into_iter()
        .find(|name| name.contains("claim"));
    let part = hidden.unwrap().replace("claim", "x.part");
    studio.write(&format!("out/{part}"), "half a picture");
    batch(&studio, &["jobs.toml"]).assert().success();
    assert_whole(&studio, 4);
}

/// Whether GNU parallel is here; if not, the reason is printed.
#[cfg(unix)]
fn has_parallel() -> bool {
    let version = std::process::Command::new("parallel")
        .arg("--version")
        .output();
    let gnu = version.is_ok_and(|v| String::from_utf8_lossy(&v.stdout).contains("GNU parallel"));
    if !gnu {
        eprintln!("skipped: GNU parallel is not here (`apt install parallel`)");
    }
    gnu
}

fn example(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

#[cfg(unix)]
fn under_parallel(studio: &Studio) -> std::process::Command {
    let mut command = std::process::Command::new("bash");
    command
        .current_dir(studio.folder())
        .env("NST", assert_cmd::cargo::cargo_bin!("nst"))
        .env("NST_OFFLINE", "1")
        .env("HOME", studio.folder())
        .arg(example("parallel.sh"))
        .args(["jobs.toml", "3", "--threads", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The process that runs this shard of `jobs.toml` in this studio, once there is one.
#[cfg(target_os = "linux")]
fn worker_of(studio: &Studio, shard: &str) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut numbers = processes.filter_map(|p| p.file_name().to_str()?.parse::<u32>().ok());
    numbers.find(|number| {
        let link = |name| std::fs::read_link(format!("/proc/{number}/{name}")).ok();
        let line = std::fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        let nst = assert_cmd::cargo::cargo_bin!("nst");
        link("exe").is_some_and(|exe| exe == nst.canonicalize().unwrap())
            && link("cwd").is_some_and(|cwd| cwd == studio.folder().canonicalize().unwrap())
            && line
                .split(|&b| b == 0)
                .any(|argument| argument == shard.as_bytes())
    })
}

#[cfg(target_os = "linux")]
#[test]
fn under_gnu_parallel_a_killed_worker_costs_only_a_second_run() {
    if !has_parallel() {
        return;
    }
    let studio = studio(&endless_at(&list(9, ""), 8));
    let run = under_parallel(&studio).spawn().unwrap();
    // The second worker does jobs 2, 5 and 8.
    wait_until(|| Claim::is_marked(&studio.path("out/8.png")));
    let worker = worker_of(&studio, "2/3");
    send(
        "-KILL",
        worker.expect("the second worker is at its last job"),
    );
    let output = run.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(1),
        "one worker failed: {output:?}"
    );
    assert!(!studio.path("out/8.png").exists());
    studio.write("jobs.toml", &list(9, ""));
    let output = under_parallel(&studio).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(text.matches("0 done, 3 skipped").count(), 2, "{text}");
    assert_eq!(text.matches("1 done, 2 skipped").count(), 1, "{text}");
    assert_whole(&studio, 9);
}

#[cfg(unix)]
#[test]
fn the_slurm_script_gives_each_task_of_an_array_its_shard() {
    let studio = studio(&list(4, ""));
    for task in ["7", "8", "9"] {
        Command::new("bash")
            .current_dir(studio.folder())
            .env("NST", assert_cmd::cargo::cargo_bin!("nst"))
            .env("NST_OFFLINE", "1")
            .envs([("SLURM_ARRAY_TASK_ID", task), ("SLURM_ARRAY_TASK_MIN", "7")])
            .envs([
                ("SLURM_ARRAY_TASK_COUNT", "3"),
                ("SLURM_CPUS_PER_TASK", "1"),
            ])
            .arg(example("slurm.sh"))
            .arg("jobs.toml")
            .assert()
            .success()
            .stderr(contains(if task == "7" { "2 done" } else { "1 done" }));
    }
    assert_whole(&studio, 4);
}

#[cfg(unix)]
#[test]
fn the_kubernetes_job_gives_each_index_its_shard() {
    let studio = studio(&list(9, ""));
    let manifest = std::fs::read_to_string(example("kubernetes.yaml")).unwrap();
    let command = manifest
        .lines()
        .find_map(|line| line.trim().strip_prefix("- exec "));
    let nst = assert_cmd::cargo::cargo_bin!("nst");
    let path = std::env::join_paths(
        [nst.parent().unwrap().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    for (index, done) in [("0", "2 done"), ("7", "1 done")] {
        Command::new("/bin/sh")
            .args(["-euc", command.unwrap()])
            .current_dir(studio.folder())
            .env("PATH", path.as_ref().unwrap())
            .env("NST_OFFLINE", "1")
            .env("JOB_COMPLETION_INDEX", index)
            .assert()
            .success()
            .stderr(contains(done));
    }
    assert_eq!(studio.files_in("out"), ["1.png", "8.png", "9.png"]);
}
