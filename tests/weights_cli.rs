//! `nst weights …` as a user runs it.

#![cfg(feature = "cli")]

mod weights_support;

use std::path::Path;

use assert_cmd::Command;
use nst::vgg::{Layer, Model};
use weights_support::{Tensor, network, safetensors};

/// The binary in a folder of its own, with that folder as home and nothing else from the
/// environment.
fn nst(home: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("nst"));
    command
        .env_clear()
        .env("HOME", home)
        .current_dir(home)
        .arg("weights");
    command
}

fn stdout(command: &mut Command) -> String {
    String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
}

fn fixture(name: &str) -> std::path::PathBuf {
    std::env::current_dir()
        .unwrap()
        .join("tests/fixtures/weights")
        .join(name)
}

#[test]
fn import_puts_a_file_where_list_and_path_and_the_next_run_find_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = stdout(nst(home.path()).arg("path"));
    nst(home.path())
        .args(["path", "vgg19"])
        .assert()
        .failure()
        .code(1);
    let import = stdout(
        nst(home.path())
            .arg("import")
            .arg(fixture("keras.h5"))
            .args(["--model", "vgg19"]),
    );
    let path = stdout(nst(home.path()).args(["path", "vgg19"]));
    assert_eq!(
        Path::new(path.trim()),
        Path::new(folder.trim()).join("vgg19.safetensors")
    );
    assert!(import.starts_with(path.trim()), "{import}");
    let digest = nst::weights::sha256(path.trim().as_ref()).unwrap();
    let list = stdout(nst(home.path()).arg("list"));
    for part in [path.trim(), "keras.h5", "0.0 MB", &digest] {
        assert!(list.contains(part), "`{part}` is not in: {list}");
    }
}

#[test]
fn list_shows_a_damaged_file_and_fails() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("weights")).unwrap();
    weights_support::write(&home.path().join("weights/vgg16.safetensors"), b"");
    let assert = nst(home.path()).arg("list").assert().failure().code(1);
    let list = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert!(
        list.contains("vgg16.safetensors: the file is empty"),
        "{list}"
    );
}

#[test]
fn check_shows_every_tensor_and_its_range() {
    let home = tempfile::tempdir().unwrap();
    let mut tensors = network(Model::Vgg19, Layer::new(1, 2), Tensor::f16);
    tensors[1] = Tensor::f32("block1_conv1.bias", &[64], &[-2.5; 64]);
    tensors.push(Tensor::f32("classifier.bias", &[1], &[0.0]));
    let bytes = safetensors(&[("model", "vgg19"), ("preprocessing", "caffe")], &tensors);
    weights_support::write(&home.path().join("a.safetensors"), &bytes);
    let said = stdout(nst(home.path()).args(["check", "a.safetensors"]));
    let line = said
        .lines()
        .find(|l| l.starts_with("block1_conv1.bias"))
        .unwrap();
    for part in ["F32", "[64]", "-2.5000e0 to -2.5000e0"] {
        assert!(line.contains(part), "{line}");
    }
    assert!(said.contains("1 other tensors"), "{said}");
    assert!(
        said.ends_with("good: vgg19 down to block1_conv2\n"),
        "{said}"
    );
}

#[test]
fn check_says_what_is_wrong_and_still_shows_the_rest() {
    let home = tempfile::tempdir().unwrap();
    let mut tensors = network(Model::Vgg19, Layer::new(1, 2), Tensor::f32);
    tensors.remove(1);
    weights_support::write(
        &home.path().join("a.safetensors"),
        &safetensors(&[], &tensors),
    );
    let assert = nst(home.path())
        .args(["check", "a.safetensors"])
        .assert()
        .failure()
        .code(1);
    let output = assert.get_output();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("2 things are missing or wrong"), "{said}");
    assert!(said.contains("no `preprocessing`"), "{said}");
    assert!(said.contains("block1_conv1.bias is missing"), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("block1_conv2.weight"));
}

#[test]
fn offline_forbids_the_network_by_flag_and_by_environment() {
    let home = tempfile::tempdir().unwrap();
    let said = "offline, by --offline or NST_OFFLINE";
    for command in [
        nst(home.path()).args(["fetch", "--offline"]),
        nst(home.path()).arg("fetch").env("NST_OFFLINE", "1"),
    ] {
        let assert = command.assert().failure().code(1);
        let error = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_file_brought_by_hand_is_refused_unless_it_is_the_published_one() {
    let home = tempfile::tempdir().unwrap();
    let from = fixture("keras.h5");
    let assert = nst(home.path())
        .args(["fetch", "vgg16", "--offline", "--from"])
        .arg(&from)
        .assert();
    let assert = assert.failure().code(1);
    let error = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    let bytes = from.metadata().unwrap().len();
    let fault = format!("keras.h5: {bytes} bytes, the published file has 58889256");
    assert!(error.contains(&fault), "{error}");
}

#[test]
fn an_unknown_network_or_source_is_wrong_usage() {
    let home = tempfile::tempdir().unwrap();
    nst(home.path())
        .args(["fetch", "vgg11"])
        .assert()
        .failure()
        .code(2);
    nst(home.path())
        .args(["fetch", "--source", "caffe"])
        .assert()
        .failure()
        .code(2);
}

#[test]
fn a_chosen_file_is_of_the_network_that_is_in_it_and_of_no_other() {
    let home = tempfile::tempdir().unwrap();
    let tensors = network(Model::Vgg19, Layer::new(5, 4), Tensor::f16);
    let bytes = safetensors(&[("model", "vgg19"), ("preprocessing", "caffe")], &tensors);
    weights_support::write(&home.path().join("mine.safetensors"), &bytes);
    let chosen = |arguments: &[&str]| {
        let mut command = nst(home.path());
        command
            .args(arguments)
            .env("NST_WEIGHTS", "mine.safetensors");
        command
    };
    let list = stdout(&mut chosen(&["list"]));
    assert_eq!(list.matches("mine.safetensors").count(), 1, "{list}");
    assert!(list.contains("mine.safetensors\n  vgg19,"), "{list}");
    assert_eq!(
        stdout(&mut chosen(&["path", "vgg19"])),
        "mine.safetensors\n"
    );
    let assert = chosen(&["path", "vgg16"]).assert().code(1).stdout("");
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(
        said.contains("mine.safetensors") && said.contains("of vgg19"),
        "{said}"
    );
}

#[test]
fn a_chosen_file_that_is_not_there_is_a_failure() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [&["path", "vgg19"][..], &["list"]] {
        let mut command = nst(home.path());
        command
            .args(arguments)
            .env("NST_WEIGHTS", "none.safetensors");
        let assert = command.assert().code(1);
        let output = assert.get_output();
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains("none.safetensors: "), "{said}");
        assert!(!said.contains("none.safetensors\n"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_failure_of_any_list() {
    let home = tempfile::tempdir().unwrap();
    let tensors = network(Model::Vgg19, Layer::new(1, 2), Tensor::f16);
    let bytes = safetensors(&[("model", "vgg19"), ("preprocessing", "caffe")], &tensors);
    weights_support::write(&home.path().join("a.safetensors"), &bytes);
    for arguments in [
        "weights list",
        "weights check a.safetensors",
        "weights path",
        "devices",
    ] {
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("nst"))
            .args(arguments.split(' '))
            .env("HOME", home.path())
            .env("VK_DRIVER_FILES", "/nonexistent.json")
            .env("VK_ICD_FILENAMES", "/nonexistent.json")
            .current_dir(home.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments}: {output:?}");
        assert!(output.stderr.is_empty(), "{arguments}: {output:?}");
    }
}
