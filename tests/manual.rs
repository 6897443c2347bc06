//! Completion scripts and manual pages, as a user would ask for them.

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;

fn nst() -> Command {
    Command::cargo_bin("nst").unwrap()
}

fn lines(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn every_shell_gets_a_script_that_knows_the_flags() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        nst()
            .args(["completions", shell])
            .assert()
            .success()
            .stderr("")
            .stdout(contains("content-layer").and(contains("weights")));
    }
}

#[test]
fn the_bash_script_is_taken_by_bash() {
    let script = nst().args(["completions", "bash"]).output().unwrap().stdout;
    let Ok(bash) = std::process::Command::new("bash").arg("--version").output() else {
        eprintln!("skipped: there is no bash here");
        return;
    };
    assert!(bash.status.success());
    // What pressing TAB after `nst --style-s` does.
    let ask = "COMP_WORDS=(nst --style-s); COMP_CWORD=1; _nst nst --style-s nst; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let script = [&script[..], ask.as_bytes()].concat();
    Command::new("bash")
        .arg("-s")
        .write_stdin(script)
        .assert()
        .success()
        .stdout("--style-scale\n--style-size\n");
}

#[test]
fn an_unknown_shell_is_refused_with_those_there_are() {
    nst()
        .args(["completions", "cmd"])
        .assert()
        .code(2)
        .stderr(contains("bash").and(contains("zsh")));
}

#[test]
fn the_manual_page_describes_the_flags_in_the_words_of_help() {
    nst()
        .arg("man")
        .assert()
        .success()
        .stdout(contains(".TH nst 1").and(contains("Area of the result instead")));
}

#[test]
fn the_pages_of_all_subcommands_are_written_to_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    nst().arg("man").arg(folder.path()).assert().success();
    let names = lines(folder.path());
    for name in ["nst.1", "nst-doctor.1", "nst-weights.1"] {
        assert!(
            names.iter().any(|n| n == name),
            "{name} is not in {names:?}"
        );
    }
    assert!(!names.iter().any(|n| n.contains("probe")), "{names:?}");
}

#[test]
fn a_folder_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    nst()
        .arg("man")
        .arg(folder.path().join("nowhere"))
        .assert()
        .code(1)
        .stderr(contains("nowhere"));
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let script = format!(
        "{} man | true; exit ${{PIPESTATUS[0]}}",
        assert_cmd::cargo::cargo_bin("nst").display()
    );
    Command::new("bash")
        .args(["-c", &script])
        .assert()
        .success();
}
