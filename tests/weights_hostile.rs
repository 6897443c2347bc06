//! Hostile and damaged files: each is refused in one line that names the file and the fault,
//! within a second of processor time and little memory.

#![cfg(feature = "cli")]

mod weights_support;

use std::path::Path;
use std::process::{Command, Output};

use nst::vgg::{Layer, Model};
use weights_support::{Tensor, VGG19_CAFFE, network, safetensors};

const FIRST: Layer = Layer::new(1, 1);

/// Runs `nst weights check` in a folder of its own, on a name relative to it. On Unix the
/// process may use one second of processor time and 768 MB of address space, most of which
/// its threads' stacks and heaps reserve unused; a claim of gigabytes fails in it.
fn check(folder: &Path, name: &str) -> Output {
    let binary = assert_cmd::cargo::cargo_bin!("nst");
    let mut command = if cfg!(unix) {
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            "ulimit -t 1; ulimit -v 786432; exec \"$0\" weights check \"$1\"",
        ]);
        shell.arg(binary).arg(name);
        shell
    } else {
        let mut command = Command::new(binary);
        command.args(["weights", "check", name]);
        command
    };
    command.current_dir(folder).output().unwrap()
}

/// Expects a refusal whose line has `fault` in it.
fn refused(name: &str, bytes: &[u8], fault: &str) {
    let folder = tempfile::tempdir().unwrap();
    weights_support::write(&folder.path().join(name), bytes);
    expect_refusal(folder.path(), name, fault);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "something was written: {left:?}");
}

fn expect_refusal(folder: &Path, name: &str, fault: &str) {
    let output = check(folder, name);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with(&format!("nst: {name}: ")), "{said}");
    assert!(said.contains(fault), "`{fault}` is not in: {said}");
}

fn good() -> Vec<u8> {
    safetensors(&VGG19_CAFFE, &network(Model::Vgg19, FIRST, Tensor::f32))
}

/// A file of two tensors with the given dtypes, shapes and offsets, and 7168 bytes of data.
fn with_header(header: &str) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + 7168, 0);
    bytes
}

fn two_tensors(weight: &str, bias: &str) -> Vec<u8> {
    with_header(&format!(
        r#"{{"__metadata__":{{"preprocessing":"caffe"}},"block1_conv1.weight":{{{weight}}},"block1_conv1.bias":{{{bias}}}}}"#
    ))
}

const WEIGHT: &str = r#""dtype":"F32","shape":[64,3,3,3],"data_offsets":[0,6912]"#;
const BIAS: &str = r#""dtype":"F32","shape":[64],"data_offsets":[6912,7168]"#;

#[test]
fn the_files_below_would_be_good_without_their_fault() {
    let folder = tempfile::tempdir().unwrap();
    for bytes in [good(), two_tensors(WEIGHT, BIAS)] {
        weights_support::write(&folder.path().join("a.safetensors"), &bytes);
        let output = check(folder.path(), "a.safetensors");
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn a_header_length_past_the_end() {
    let mut bytes = good();
    let len = bytes.len() as u64;
    bytes[..8].copy_from_slice(&len.to_le_bytes());
    refused("a.safetensors", &bytes, "truncated: its header takes");
}

#[test]
fn a_header_length_of_two_to_the_63() {
    let mut bytes = good();
    bytes[..8].copy_from_slice(&(1_u64 << 63).to_le_bytes());
    refused(
        "a.safetensors",
        &bytes,
        "its header claims 9223372036854775808 bytes",
    );
}

#[test]
fn a_header_that_claims_four_gigabytes() {
    let mut bytes = good();
    bytes[..8].copy_from_slice(&(4_u64 << 30).to_le_bytes());
    refused(
        "a.safetensors",
        &bytes,
        "its header claims 4294967296 bytes",
    );
}

#[test]
fn overlapping_offsets() {
    let bias = BIAS.replace("[6912,7168]", "[6656,6912]");
    refused("a.safetensors", &two_tensors(WEIGHT, &bias), "offset");
}

#[test]
fn a_hole_between_offsets() {
    let weight = r#""dtype":"F32","shape":[32,3,3,3],"data_offsets":[0,3456]"#;
    refused("a.safetensors", &two_tensors(weight, BIAS), "offset");
}

#[test]
fn missing_offsets() {
    let bias = r#""dtype":"F32","shape":[64]"#;
    refused(
        "a.safetensors",
        &two_tensors(WEIGHT, bias),
        "header is wrong",
    );
}

#[test]
fn a_dtype_that_disagrees_with_the_offsets() {
    let weight = WEIGHT.replace("F32", "F64");
    refused(
        "a.safetensors",
        &two_tensors(&weight, BIAS),
        "header is wrong",
    );
}

#[test]
fn an_unknown_dtype() {
    let weight = WEIGHT.replace("F32", "Q4");
    refused(
        "a.safetensors",
        &two_tensors(&weight, BIAS),
        "header is wrong",
    );
}

#[test]
fn a_dtype_that_does_not_serve() {
    let weight = WEIGHT.replace("F32", "I32");
    refused(
        "a.safetensors",
        &two_tensors(&weight, BIAS),
        "block1_conv1.weight is I32",
    );
}

#[test]
fn a_wrong_shape() {
    let weight = WEIGHT.replace("[64,3,3,3]", "[3,64,3,3]");
    refused(
        "a.safetensors",
        &two_tensors(&weight, BIAS),
        "shape [3, 64, 3, 3], not [64, 3, 3, 3]",
    );
}

#[test]
fn a_shape_whose_product_overflows() {
    let weight = WEIGHT.replace("[64,3,3,3]", "[4294967296,4294967296,4294967296]");
    refused(
        "a.safetensors",
        &two_tensors(&weight, BIAS),
        "header is wrong",
    );
}

#[test]
fn a_value_that_is_not_a_number() {
    let mut bytes = good();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    refused("a.safetensors", &bytes, "block1_conv1.bias holds 1 values");
}

#[test]
fn a_truncated_file() {
    let bytes = good();
    refused("a.safetensors", &bytes[..bytes.len() - 100], "truncated");
    refused("a.safetensors", &bytes[..40], "truncated");
    refused("a.safetensors", &bytes[..5], "too few");
}

#[test]
fn trailing_bytes() {
    let mut bytes = good();
    bytes.extend([0; 3]);
    refused("a.safetensors", &bytes, "3 bytes follow the last tensor");
}

#[test]
fn a_header_that_is_not_json() {
    refused(
        "a.safetensors",
        &with_header("{these are not the tensors you look for"),
        "header is wrong",
    );
    refused(
        "a.safetensors",
        &with_header("no brace at all"),
        "header is wrong",
    );
}

#[test]
fn json_nested_without_end() {
    refused(
        "a.safetensors",
        &with_header(&"{\"a\":".repeat(100_000)),
        "header is wrong",
    );
}

#[test]
fn a_web_page_saved_as_weights() {
    let page = b"\n<!DOCTYPE html><html><title>404 Not Found</title></html>";
    for name in ["a.h5", "a.pth", "a.safetensors"] {
        refused(name, page, "this is a web page");
    }
}

#[test]
fn an_empty_file() {
    for name in ["a.h5", "a.pth", "a.safetensors"] {
        refused(name, b"", "empty");
    }
}

#[test]
fn bytes_of_no_format() {
    refused(
        "a.h5",
        &[7; 4096],
        "neither safetensors, nor Keras' HDF5, nor a PyTorch file",
    );
}

#[test]
fn a_folder_in_the_files_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("a.safetensors")).unwrap();
    expect_refusal(folder.path(), "a.safetensors", "cannot");
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new("tests/fixtures/weights").join(name)).unwrap()
}

#[test]
fn a_malicious_pickle_is_never_run() {
    for name in ["malicious_zip.pth", "malicious_legacy.pth"] {
        // `refused` sees that nothing new is in the folder: run, it would make a file there.
        refused(name, &fixture(name), "its pickle asks for `posix.system`");
    }
}

#[test]
fn a_plain_malicious_pickle_is_never_run() {
    let command = b"touch nst-pickle-ran";
    let mut bytes = b"\x80\x02cposix\nsystem\nX".to_vec();
    bytes.extend((command.len() as u32).to_le_bytes());
    bytes.extend(command);
    bytes.extend(b"\x85R.");
    refused("a.pth", &bytes, "`posix.system`");
}

#[test]
fn a_pickle_bomb() {
    // Lists of two references to the list before: 2^30 elements if they were copied.
    let mut bytes = b"\x80\x02]q\x00".to_vec();
    for level in 1..=30_u8 {
        bytes.extend([
            b']',
            b'q',
            level,
            b'(',
            b'h',
            level - 1,
            b'h',
            level - 1,
            b'e',
        ]);
    }
    bytes.push(b'.');
    refused("a.pth", &bytes, "PyTorch structure is wrong");
}

#[test]
fn truncated_pytorch_files() {
    for name in ["torchvision_zip.pth", "torchvision_legacy.pth"] {
        let bytes = fixture(name);
        refused(
            name,
            &bytes[..bytes.len() / 2],
            "PyTorch structure is wrong or truncated",
        );
    }
}

#[test]
fn an_hdf5_chunk_that_inflates_to_gigabytes() {
    refused(
        "bomb.h5",
        &fixture("bomb.h5"),
        "block1_conv1_W_1:0 cannot be read",
    );
}

#[test]
fn a_truncated_hdf5_file() {
    let bytes = fixture("keras.h5");
    for sixteenths in 1..16 {
        let cut = &bytes[..bytes.len() * sixteenths / 16];
        refused("a.h5", cut, "");
    }
    refused(
        "a.h5",
        &bytes[..bytes.len() / 2],
        "HDF5 structure is wrong or truncated",
    );
}
