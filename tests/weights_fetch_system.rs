//! Fetching by several processes, on full and read-only disks, through proxies, and as part
//! of a run.

mod weights_support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nst::vgg::{Layer, Model};
use nst::weights::{self, Choice, FetchFrom, Internet, Place, Places, Unreported};
use weights_support::Heard;
use weights_support::published::{
    DEEPEST, assert_published, files, impatient, published, sha256, source,
};
use weights_support::server::{Server, read_request, send, send_file};

// Processes of their own: the tests below start this binary again with the helper's name.

const CHILD: &str = "a_child_process_fetches";

#[test]
#[ignore = "a helper that other tests start as a process"]
fn a_child_process_fetches() {
    let url = std::env::var("NST_TEST_URL").unwrap();
    let cache = PathBuf::from(std::env::var_os("NST_TEST_CACHE").unwrap());
    let network = Internet {
        proxies: std::env::var_os("NST_TEST_PROXIES").is_some(),
        ..impatient()
    };
    match weights::fetch(
        &source(&url),
        &FetchFrom::Publisher,
        &cache,
        Some(&network),
        &Unreported,
    ) {
        Ok(path) => assert_published(&path),
        Err(error) => {
            let cause =
                std::error::Error::source(&error).map_or(String::new(), ToString::to_string);
            panic!("fetch failed: {error}: {cause}");
        }
    }
}

/// Runs the helper in a shell, after `before`. Gives what it said, and whether it succeeded.
fn child(before: &str, url: &str, cache: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            &format!("{before} exec \"$0\" --exact {CHILD} --ignored"),
        ])
        .arg(std::env::current_exe().unwrap())
        .env("NST_TEST_URL", url)
        .env("NST_TEST_SHA256", sha256(source(url).digest))
        .env("NST_TEST_CACHE", cache)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What the helper said, and whether it succeeded.
fn outcome(output: &std::process::Output) -> (bool, String) {
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[cfg(unix)]
#[test]
fn two_processes_at_once_download_once() {
    let server = Server::new(|_, request, stream| {
        std::thread::sleep(Duration::from_millis(300));
        send_file(stream, request, published());
    });
    let cache = tempfile::tempdir().unwrap();
    let url = server.url("vgg16.bin");
    let children: Vec<_> = (0..2)
        .map(|_| child("", &url, cache.path()).spawn().unwrap())
        .collect();
    for child in children {
        let (succeeded, said) = outcome(&child.wait_with_output().unwrap());
        assert!(succeeded, "{said}");
    }
    assert_eq!(server.seen().len(), 1);
    assert_eq!(files(cache.path()), ["vgg16.safetensors"]);
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_nothing_is_left_behind() {
    let server = Server::new(|_, request, stream| send_file(stream, request, published()));
    let cache = tempfile::tempdir().unwrap();
    // No file may grow past 200 blocks of 512 bytes: the download does not fit. The signal
    // that comes with it is ignored, so that the write fails as on a full disk.
    let before = "trap '' XFSZ; ulimit -f 200;";
    let output = child(before, &server.url("vgg16.bin"), cache.path())
        .output()
        .unwrap();
    let (succeeded, said) = outcome(&output);
    assert!(!succeeded);
    assert!(
        said.contains("vgg16.bin.part: cannot write: File too large"),
        "{said}"
    );
    assert_eq!(files(cache.path()), Vec::<String>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_for_the_imported_file_leaves_nothing_partial() {
    let server = Server::new(|_, request, stream| send_file(stream, request, published()));
    let cache = tempfile::tempdir().unwrap();
    // The download of 450 kB fits on 640 kB, the imported file no longer does.
    let before = "mount -t tmpfs -o size=640k none \"$NST_TEST_CACHE\" || exit 77;";
    let Some((succeeded, said)) = in_a_namespace(before, &server.url("vgg16.bin"), cache.path())
    else {
        return;
    };
    assert!(!succeeded);
    assert!(
        said.contains("vgg16.safetensors: cannot be written: No space left on device"),
        "{said}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_cache_folder_is_named_before_anything_is_downloaded() {
    let server = Server::new(|_, request, stream| send_file(stream, request, published()));
    let cache = tempfile::tempdir().unwrap();
    let before = "mount -t tmpfs -o ro none \"$NST_TEST_CACHE\" || exit 77;";
    let Some((succeeded, said)) = in_a_namespace(before, &server.url("vgg16.bin"), cache.path())
    else {
        return;
    };
    assert!(!succeeded);
    assert!(
        said.contains(": cannot write: Read-only file system"),
        "{said}"
    );
    assert!(said.contains(cache.path().to_str().unwrap()), "{said}");
    assert_eq!(server.seen().len(), 0);
}

/// The helper in a mount namespace of its own; `None`, with a reason, where that is not
/// allowed.
#[cfg(target_os = "linux")]
fn in_a_namespace(before: &str, url: &str, cache: &Path) -> Option<(bool, String)> {
    let inner = child(before, url, cache);
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--map-root-user"])
        .arg("sh")
        .args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let output = match command.output() {
        Ok(output) if !matches!(output.status.code(), Some(1 | 77)) => output,
        other => {
            eprintln!("skipped: no mount namespace here: {other:?}");
            return None;
        }
    };
    Some(outcome(&output))
}

#[cfg(unix)]
#[test]
fn proxies_come_from_the_environment() {
    let proxy = Server::new(|_, request, stream| {
        // A tunnel to nowhere else than this server: it goes on as the host itself.
        if request[0].starts_with("connect published.example:80 ") {
            let _ =
                std::io::Write::write_all(stream, b"HTTP/1.1 200 Connection established\r\n\r\n");
            send_file(stream, &read_request(stream), published());
        }
    });
    let cache = tempfile::tempdir().unwrap();
    let output = child("", "http://published.example/vgg16.bin", cache.path())
        .env("NST_TEST_PROXIES", "1")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env_remove("ALL_PROXY")
        .env_remove("all_proxy")
        .env_remove("HTTPS_PROXY")
        .env("https_proxy", proxy.url(""))
        .env("HTTP_PROXY", proxy.url(""))
        .output()
        .unwrap();
    let seen = proxy.seen();
    let (succeeded, said) = outcome(&output);
    assert!(succeeded, "{said}");
    assert!(seen[0][0].contains("published.example"), "{seen:?}");
}

// What a run does with all this.

fn places(root: &Path, network: Option<Internet>) -> Places {
    Places {
        chosen: None,
        cache: Some(root.join("cache")),
        beside: root.join("weights"),
        network,
    }
}

/// A network whose mirror is this server.
fn mirrored(server: &Server) -> Internet {
    Internet {
        mirror: Some(server.url("mirror")),
        ..impatient()
    }
}

#[test]
fn a_run_asks_the_mirror_for_the_kept_path_and_falls_back_with_the_reason() {
    let server =
        Server::new(|_, _, stream| send(stream, "404 Not Found\r\nContent-Length: 0", &[]));
    let root = tempfile::tempdir().unwrap();
    let places = places(root.path(), Some(mirrored(&server)));
    let heard = Heard::default();
    let first = Layer::new(1, 1);
    let found = weights::find(&Choice::Auto, Model::Vgg19, first, &places, &heard);
    let path = "/mirror/tensorflow/keras-applications/vgg19/\
                vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5";
    assert!(server.seen()[0][0].contains(path), "{:?}", server.seen());
    if cfg!(feature = "builtin-weights") {
        assert_eq!(found.unwrap().origin.place, Place::BuiltIn);
        let last = heard.notices().pop().unwrap().to_string();
        for part in [
            "built-in vgg19",
            "the server answers 404",
            "nearly the same",
            "nst weights import FILE",
        ] {
            assert!(last.contains(part), "`{part}` is not in: {last}");
        }
        assert!(!last.contains('\n'), "{last}");
    } else {
        assert!(
            found
                .unwrap_err()
                .to_string()
                .contains("the server answers 404")
        );
    }
    let error =
        weights::find(&Choice::ImageNet, Model::Vgg19, first, &places, &Unreported).unwrap_err();
    assert!(
        error.to_string().contains("the server answers 404"),
        "{error}"
    );
}

#[test]
fn a_run_never_fetches_when_a_file_is_there_or_the_network_is_forbidden() {
    let server =
        Server::new(|_, _, stream| send(stream, "404 Not Found\r\nContent-Length: 0", &[]));
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("weights")).unwrap();
    weights_support::write(&root.path().join("weights/vgg16.safetensors"), published());
    let online = places(root.path(), Some(mirrored(&server)));
    weights::find(&Choice::Auto, Model::Vgg16, DEEPEST, &online, &Unreported).unwrap();
    let offline = Places {
        network: None,
        ..online
    };
    let error = weights::find(
        &Choice::ImageNet,
        Model::Vgg19,
        DEEPEST,
        &offline,
        &Unreported,
    )
    .unwrap_err();
    assert!(error.to_string().contains("offline"), "{error}");
    assert_eq!(server.seen().len(), 0);
}
