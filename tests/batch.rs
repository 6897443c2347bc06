//! `nst batch` as a user runs it: lists, shards, claims, interruptions.

#![cfg(feature = "cli")]

mod common;

use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use common::studio::{SHALLOW, Studio};
use nst::picture::{Claim, Limits, decode};
use predicates::prelude::*;
use predicates::str::contains;

/// What every job of these tests shares.
const DEFAULTS: &str = "\
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
fn list(jobs: usize, more: &str) -> String {
    let job = |k| format!("[[job]]\noutput = \"out/{k}.png\"\nbeta = {k}\n");
    let jobs: String = (1..=jobs).map(job).collect();
    format!("{DEFAULTS}{more}{jobs}")
}

/// The list with a job that does not end, so that its worker can be killed at it.
fn endless_at(list: &str, job: usize) -> String {
    let output = format!("output = \"out/{job}.png\"\n");
    assert!(list.contains(&output));
    list.replace(&output, &format!("{output}steps = 1000000000\n"))
}

fn studio(list: &str) -> Studio {
    let studio = Studio::new();
    studio.write("jobs.toml", list);
    std::fs::create_dir(studio.path("out")).unwrap();
    studio
}

fn batch(studio: &Studio, arguments: &[&str]) -> Command {
    let mut command = studio.nst();
    command.arg("batch").args(arguments);
    command
}

/// The picture of the job with this beta, painted by a run of its own.
fn alone(studio: &Studio, beta: usize) -> Vec<u8> {
    studio
        .transfer()
        .args(["--size", "16", "--steps", "2", "--quiet", "--overwrite"])
        .args(["--beta", &beta.to_string(), "-o", "alone.png"])
        .assert()
        .success();
    studio.bytes("alone.png")
}

#[test]
fn a_list_paints_what_each_of_its_jobs_alone_would_and_then_skips_it() {
    let studio = studio(&list(2, ""));
    batch(&studio, &["jobs.toml"])
        .assert()
        .success()
        .stdout("")
        .stderr("batch: 2 done, 0 skipped, 0 failed\n");
    for k in [1, 2] {
        assert!(studio.bytes(&format!("out/{k}.png")) == alone(&studio, k));
    }
    assert_eq!(studio.files_in("out"), ["1.png", "2.png"]);
    studio.write("out/1.png", "precious");
    batch(&studio, &["jobs.toml"])
        .assert()
        .success()
        .stderr("batch: 0 done, 2 skipped, 0 failed\n");
    assert_eq!(studio.bytes("out/1.png"), b"precious");
    batch(&studio, &["jobs.toml", "--overwrite"])
        .assert()
        .success()
        .stderr("batch: 2 done, 0 skipped, 0 failed\n");
    assert!(studio.bytes("out/1.png") == alone(&studio, 1));
}

#[test]
fn a_csv_list_from_standard_input_paints_the_same_with_flags_after_the_dashes() {
    let studio = studio("");
    let list = "output,beta,quiet,style-layers\n\
                out/1.png,1,true,\"block1_conv1,block1_conv2\"\n\
                out/30.png,,true,\n";
    let flags = [
        "-c",
        "photo.png",
        "-s",
        "painting.png",
        "-w",
        "weights.safetensors",
    ];
    batch(&studio, &["-", "--"])
        .args(flags)
        .args(["--size", "16", "--steps", "2"])
        .args(SHALLOW)
        .write_stdin(list)
        .assert()
        .success()
        .stderr("batch: 2 done, 0 skipped, 0 failed\n");
    for k in [1, 30] {
        assert!(studio.bytes(&format!("out/{k}.png")) == alone(&studio, k));
    }
}

#[test]
fn every_photo_is_painted_in_the_style_of_every_painting() {
    let studio = Studio::new();
    for folder in ["photos", "paintings"] {
        std::fs::create_dir(studio.path(folder)).unwrap();
    }
    for name in [
        "photos/a.png",
        "photos/b.PNG",
        "paintings/x.png",
        "photos/.hidden.png",
    ] {
        studio.draw(name, 20, 20);
    }
    studio.write("photos/notes.txt", "no picture");
    studio.write("photos/broken.jpg", "text");
    let pairs = [
        "--content",
        "photos",
        "--style",
        "paintings",
        "--out",
        "new/results",
    ];
    let flags = [
        "-w",
        "weights.safetensors",
        "--steps",
        "1",
        "--size",
        "16",
        "--quiet",
    ];
    let run = || {
        let mut command = batch(&studio, &pairs);
        command.arg("--").args(flags).args(SHALLOW);
        command
    };
    run().assert().code(1).stderr(
        contains("job 3 failed: photos/broken.jpg").and(contains("2 done, 0 skipped, 1 failed")),
    );
    assert_eq!(studio.files_in("new/results"), ["a_x.png", "b_x.png"]);
    std::fs::remove_file(studio.path("photos/broken.jpg")).unwrap();
    run()
        .assert()
        .success()
        .stderr(contains("0 done, 2 skipped, 0 failed"));
}

#[test]
fn a_failed_job_is_reported_and_the_rest_go_on() {
    let bad = "[[job]]\ncontent = \"missing.png\"\noutput = \"out/bad.png\"\n\
               [[job]]\noutput = \"nowhere/bad.png\"\n\
               [[job]]\nweights = \"none.safetensors\"\noutput = \"out/worse.png\"\n\
               [[job]]\ncontent-layer = \"block2_conv1\"\noutput = \"out/deep.png\"\n";
    let studio = studio(&list(1, bad));
    batch(&studio, &["jobs.toml"]).assert().code(1).stderr(
        contains("jobs.toml: job 1 failed: missing.png")
            .and(contains("job 2 failed: nowhere/bad.png"))
            .and(contains("job 3 failed: none.safetensors"))
            .and(contains("job 4 failed: weights.safetensors"))
            .and(contains("batch: 1 done, 0 skipped, 4 failed")),
    );
    assert_eq!(studio.files_in("out"), ["1.png"]);
}

#[test]
fn every_fault_of_a_list_is_told_before_anything_is_painted() {
    let bad = "[[job]]\nbetta = 3\n[[job]]\nbeta = -1\n[[job]]\noutput = \"out/1.xyz\"\n\
               [[job]]\noutput = \"out/../out/1.png\"\n[[job]]\nthreads = 3\n\
               [[job]]\noutput = \"out/a.jpg\"\ndepth = 16\n\
               [[job]]\noutput = \"./photo.png\"\n\
               [[job]]\nsweep = \"beta=1,2\"\noutput = \"out/s.png\"\n\
               [[job]]\noutput = \"out/b.png\"\ncheckpoint = \"state\"\n\
               [[job]]\noutput = \"out/c.png\"\ncheckpoint = \"./state\"\n";
    let studio = studio(&list(1, bad));
    batch(&studio, &["jobs.toml"]).assert().code(2).stderr(
        contains("jobs.toml: nothing is painted")
            .and(contains("job 1: unexpected argument '--betta' found"))
            .and(contains("job 2: --beta -1"))
            .and(contains("job 3: out/1.xyz"))
            .and(contains("job 11: writes out/1.png, as job 4 does"))
            .and(contains("job 8: --sweep"))
            .and(contains("job 10: writes ./state, as job 9 does"))
            .and(contains("job 5: --threads is 3, but none in job 4"))
            .and(contains("job 6: --depth 16: out/a.jpg"))
            .and(contains("job 7: ./photo.png: the output is the input")),
    );
    assert!(studio.files_in("out").is_empty());
}

#[test]
fn what_is_no_list_is_refused_with_its_name_and_the_reason() {
    let studio = studio("");
    studio.write("text.toml", "[[job]]\nbeta =");
    studio.write("rows.csv", "content,style\na.png\n");
    std::fs::write(studio.path("latin.csv"), b"content\n\xe9.png\n").unwrap();
    for (name, code, reason) in [
        ("jobs.toml", 2, "no job"),
        ("text.toml", 2, "line 2"),
        ("rows.csv", 2, "job 1 (line 2) has 1 cells"),
        ("latin.csv", 2, "UTF-8"),
        ("missing.csv", 1, "cannot be read"),
        (".", 1, "cannot be read"),
    ] {
        batch(&studio, &[name])
            .assert()
            .code(code)
            .stderr(contains(name).and(contains(reason)));
    }
    for (arguments, reason) in [
        (&["--shard", "3/2", "jobs.toml"][..], "--shard"),
        (&["--format", "xml", "jobs.toml"], "--format"),
        (&["--content", "out"], "--style"),
        (&[], "JOBS"),
        (&["jobs.toml", "--", "--betta", "3"], "after the `--`"),
    ] {
        batch(&studio, arguments)
            .assert()
            .code(2)
            .stderr(contains(reason));
    }
    let empty = ["--content", "out", "--style", "out", "--out", "out"];
    batch(&studio, &empty)
        .assert()
        .code(1)
        .stderr(contains("no picture is in it"));
}

#[test]
fn the_list_in_the_readme_is_one() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, rest) = readme.split_once("```toml\n").unwrap();
    let (list, _) = rest.split_once("```").unwrap();
    let studio = studio(list);
    // Its jobs can be; only their pictures and folders are not here.
    batch(&studio, &["jobs.toml"])
        .assert()
        .code(1)
        .stderr(contains("0 done, 0 skipped, 2 failed"));
}

#[test]
fn a_network_is_loaded_once_for_all_jobs_that_use_it() {
    let studio = Studio::new();
    let shallow = "content-layer = \"block1_conv1\"\nstyle-layers = \"block1_conv1\"\n";
    studio.write(
        "jobs.toml",
        &format!(
            "[defaults]\ncontent = \"photo.png\"\nstyle = \"painting.png\"\nsize = 32\nsteps = 1\n\
             [[job]]\noutput = \"1.png\"\n{shallow}[[job]]\noutput = \"2.png\"\n\
             [[job]]\noutput = \"3.png\"\n"
        ),
    );
    let run = batch(&studio, &["jobs.toml"]).assert().success();
    let text = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    // Said whenever it is loaded.
    assert_eq!(
        text.matches("using the built-in vgg19").count(),
        1,
        "{text}"
    );
    assert!(text.contains("3 done"), "{text}");
}

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
        .success()
        .stderr("batch: 1 done, 0 skipped, 0 failed, 1 taken by another\n");
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

fn spawn(studio: &Studio, arguments: &[&str]) -> Child {
    std::process::Command::new(assert_cmd::cargo::cargo_bin!("nst"))
        .current_dir(studio.folder())
        .env("HOME", studio.folder())
        .env("NST_OFFLINE", "1")
        .env_remove("NST_WEIGHTS")
        .arg("batch")
        .args(arguments)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
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

fn assert_whole(studio: &Studio, outputs: usize) {
    let mut expected: Vec<_> = (1..=outputs).map(|k| format!("{k}.png")).collect();
    expected.sort();
    assert_eq!(studio.files_in("out"), expected);
    for name in expected {
        decode(&studio.path("out").join(name), &Limits::default()).unwrap();
    }
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
    assert!(
        outputs.iter().all(|output| output.status.success()),
        "{outputs:?}"
    );
    assert_eq!(outputs.iter().map(done).sum::<usize>(), 12, "{outputs:?}");
    assert_whole(&studio, 12);
}

/// Waits until something is so, three minutes at most: machines can be busy.
fn wait_until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_mins(3), "nothing happens");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(unix)]
fn send(signal: &str, process: u32) {
    let status = std::process::Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(status.unwrap().success());
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
