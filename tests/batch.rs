//! `nst batch` as a user runs it: lists, folders, what is wrong with them.

#![cfg(feature = "cli")]

mod common;

use std::path::Path;

use common::batch::{alone, batch, list, studio};
use common::studio::{SHALLOW, Studio};
use predicates::prelude::*;
use predicates::str::contains;

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
                out/20.png,,true,\n";
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
    for k in [1, 20] {
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
    let bad = "[[job]]\ncontent = \"broken.png\"\noutput = \"out/bad.png\"\n\
               [[job]]\nweights = \"broken.png\"\noutput = \"out/worse.png\"\n\
               [[job]]\ncontent-layer = \"block2_conv1\"\noutput = \"out/deep.png\"\n";
    let studio = studio(&list(1, bad));
    studio.write("broken.png", "text");
    batch(&studio, &["jobs.toml"]).assert().code(1).stderr(
        contains("jobs.toml: job 1 failed: broken.png")
            .and(contains("job 2 failed: broken.png"))
            .and(contains("job 3 failed: weights.safetensors"))
            .and(contains("batch: 1 done, 0 skipped, 3 failed")),
    );
    assert_eq!(studio.files_in("out"), ["1.png"]);
}

#[test]
fn what_is_missing_is_told_before_anything_is_painted() {
    let bad = "[[job]]\ncontent = \"missing.png\"\noutput = \"out/a.png\"\n\
               [[job]]\noutput = \"no/where/b.png\"\n\
               [[job]]\nweights = \"none.safetensors\"\noutput = \"out/c.png\"\n\
               [[job]]\ninit = \"none.png\"\noutput = \"new/d.png\"\n\
               [[job]]\noutput = \"photo.png/e.png\"\n\
               [[job]]\nstyle = \"out\"\noutput = \"out/f.png\"\n";
    let studio = studio(&list(1, bad));
    batch(&studio, &["jobs.toml"]).assert().code(2).stderr(
        contains("jobs.toml: nothing is painted")
            .and(contains("job 1: missing.png: cannot be read"))
            .and(contains(
                "job 2: no/where/b.png: neither the folder no/where",
            ))
            .and(contains("job 3: none.safetensors: cannot be read"))
            .and(contains("job 4: none.png: cannot be read"))
            .and(contains(
                "job 5: photo.png/e.png: photo.png is not a folder",
            ))
            .and(contains("job 6: out: is a folder"))
            .and(contains("job 7").not()),
    );
    assert!(studio.files_in("out").is_empty());
    assert!(!studio.path("new").exists());
}

#[test]
fn a_folder_for_results_is_made_and_a_job_that_is_done_needs_no_inputs() {
    let studio = studio(&list(0, "[[job]]\noutput = \"new/1.png\"\n"));
    batch(&studio, &["jobs.toml"]).assert().success();
    assert_eq!(studio.files_in("new"), ["1.png"]);
    std::fs::remove_file(studio.path("photo.png")).unwrap();
    batch(&studio, &["jobs.toml"]).assert().success();
    batch(&studio, &["jobs.toml", "--overwrite"])
        .assert()
        .code(2)
        .stderr(contains("photo.png: cannot be read"));
}

#[test]
fn no_job_writes_over_what_another_reads() {
    let more = "[[job]]\noutput = \"./other.png\"\n\
                [[job]]\nstyle = \"other.png\"\noutput = \"out/s.png\"\n\
                [[job]]\ntimelapse = \"link.gif\"\noutput = \"out/t.png\"\n\
                [[job]]\ncontent = \"film.gif\"\noutput = \"out/u.png\"\n";
    let studio = studio(&list(0, more));
    studio.draw("other.png", 20, 20);
    studio.draw("film.gif", 20, 20);
    #[cfg(unix)]
    std::os::unix::fs::symlink("film.gif", studio.path("link.gif")).unwrap();
    let before = (studio.bytes("other.png"), studio.bytes("film.gif"));
    let faults = contains("job 2: reads other.png, which job 1 writes");
    batch(&studio, &["jobs.toml", "--overwrite"])
        .assert()
        .code(2)
        .stderr(faults.clone());
    #[cfg(unix)]
    batch(&studio, &["jobs.toml", "--overwrite"])
        .assert()
        .code(2)
        .stderr(faults.and(contains("job 4: reads film.gif, which job 3 writes")));
    assert!((studio.bytes("other.png"), studio.bytes("film.gif")) == before);
}

#[test]
fn a_picture_whose_loss_exploded_is_painted_again_and_fails_as_long_as_it_does() {
    let wild = "[[job]]\noutput = \"out/wild.png\"\nlr = 1e30\noptimizer = \"gd\"\nsteps = 40\n";
    let studio = studio(&list(1, wild));
    for skipped in [0, 1] {
        batch(&studio, &["jobs.toml"]).assert().code(1).stderr(
            contains("job 1 failed: out/wild.png: the loss exploded").and(contains(format!(
                "batch: {} done, {skipped} skipped, 1 failed",
                1 - skipped
            ))),
        );
    }
    studio.write(
        "jobs.toml",
        &list(1, "[[job]]\noutput = \"out/wild.png\"\n"),
    );
    batch(&studio, &["jobs.toml"])
        .assert()
        .success()
        .stderr("batch: 1 done, 1 skipped, 0 failed\n");
}

/// The objects on standard output.
fn events(command: &mut assert_cmd::Command) -> Vec<serde_json::Value> {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let objects = text.lines().map(|line| serde_json::from_str(line).unwrap());
    objects.collect()
}

#[test]
fn json_tells_every_job_by_its_number_and_sums_up() {
    let bad = "json = true\n[[job]]\ncontent = \"broken.png\"\noutput = \"out/bad.png\"\n";
    let studio = studio(&list(2, bad));
    studio.write("broken.png", "text");
    batch(&studio, &["jobs.toml", "--shard", "3/3"])
        .assert()
        .success();
    let events = events(&mut batch(&studio, &["jobs.toml"]));
    let told: Vec<_> = events
        .iter()
        .map(|event| (event["event"].as_str().unwrap(), event["job"].as_u64()))
        .collect();
    assert_eq!(
        told,
        [
            ("failed", Some(1)),
            ("step", Some(2)),
            ("step", Some(2)),
            ("done", Some(2)),
            ("skipped", Some(3)),
            ("summary", None)
        ]
    );
    assert!(events[0]["error"].as_str().unwrap().contains("broken.png"));
    assert_eq!(events[3]["output"], "out/1.png");
    assert_eq!(events[4]["reason"], "exists");
    let summary = &events[5];
    for (name, count) in [("done", 1), ("skipped", 1), ("failed", 1), ("not_begun", 0)] {
        assert_eq!(summary[name], count, "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_unicode_is_painted_and_told_in_a_whole_object() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let studio = Studio::new();
    let name = OsStr::from_bytes(b"a\xff.png");
    let mut command = studio.transfer();
    command.args(["--json", "-q", "-o"]).arg(name);
    let last = events(&mut command).pop().unwrap();
    assert_eq!(last["event"], "done");
    assert_eq!(last["output"], "a\u{fffd}.png");
    assert!(studio.folder().join(name).exists());
    for folder in ["photos", "paintings"] {
        std::fs::create_dir(studio.path(folder)).unwrap();
    }
    std::fs::rename(studio.folder().join(name), studio.path("photos").join(name)).unwrap();
    studio.draw("paintings/x.png", 20, 20);
    let pairs = [
        "--content",
        "photos",
        "--style",
        "paintings",
        "--out",
        "out",
    ];
    let flags = [
        "-w",
        "weights.safetensors",
        "-n",
        "1",
        "--size",
        "16",
        "--json",
    ];
    let mut command = batch(&studio, &pairs);
    command.arg("--").args(flags).args(SHALLOW);
    let summary = events(&mut command).pop().unwrap();
    assert_eq!(
        (&summary["done"], &summary["failed"]),
        (&1.into(), &0.into())
    );
}

#[test]
fn a_folder_is_painted_in_another_format_beside_pictures_of_the_same_name() {
    let studio = Studio::new();
    for folder in ["photos", "paintings"] {
        std::fs::create_dir(studio.path(folder)).unwrap();
    }
    for name in ["photos/a.png", "photos/a.bmp", "paintings/x.png"] {
        studio.draw(name, 20, 20);
    }
    let pairs = [
        "--content",
        "photos",
        "--style",
        "paintings",
        "--out",
        "photos",
    ];
    let flags = [
        "-w",
        "weights.safetensors",
        "-n",
        "1",
        "--size",
        "16",
        "-q",
        "--ext",
        "jpg",
    ];
    for summary in ["2 done, 0 skipped", "0 done, 2 skipped"] {
        let mut command = batch(&studio, &pairs);
        command.arg("--").args(flags).args(SHALLOW);
        command.assert().success().stderr(contains(summary));
    }
    assert_eq!(
        studio.files_in("photos"),
        ["a.bmp", "a.bmp_x.jpg", "a.png", "a.png_x.jpg"]
    );
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
    // Its jobs can be; only their pictures are not here.
    let run = batch(&studio, &["jobs.toml"]).assert().code(2);
    let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    let (_, faults) = said.split_once('\n').unwrap();
    assert_eq!(faults.lines().count(), 4, "{said}");
    assert!(
        faults.lines().all(|fault| fault.contains("cannot be read")),
        "{said}"
    );
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
