//! Fetching from a server that does everything wrong.

mod weights_support;

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nst::vgg::Model;
use nst::weights::{self, FetchFrom, Notice, Unreported, WeightsError};
use tempfile::TempDir;
use weights_support::Heard;
use weights_support::published::{
    DEEPEST, assert_published, files, impatient, published, sha256, source,
};
use weights_support::server::{Server, range, send, send_file, send_start, stall};

struct Fetched {
    cache: TempDir,
    result: Result<PathBuf, WeightsError>,
    notices: Vec<Notice>,
}

impl Fetched {
    fn from(server: &Server) -> Self {
        let cache = tempfile::tempdir().unwrap();
        Self::into(cache, server)
    }

    fn into(cache: TempDir, server: &Server) -> Self {
        let heard = Heard::default();
        let source = source(&server.url("models/vgg16.bin"));
        let network = impatient();
        let from = FetchFrom::Publisher;
        let result = weights::fetch(&source, &from, cache.path(), Some(&network), &heard);
        let notices = heard.notices();
        Self {
            cache,
            result,
            notices,
        }
    }

    /// The published network is in the cache, and nothing partial.
    fn assert_good(&self) {
        let path = self.result.as_ref().expect("should be fetched");
        assert_eq!(path, &self.cache.path().join("vgg16.safetensors"));
        assert_published(path);
        assert_eq!(files(self.cache.path()), ["vgg16.safetensors"]);
    }

    /// Nothing is under the final name; gives the error.
    fn refusal(self) -> String {
        let error = self.result.expect_err("should fail").to_string();
        assert!(!self.cache.path().join("vgg16.safetensors").exists());
        error
    }

    fn retries(&self) -> usize {
        let is_retry = |n: &&Notice| matches!(n, Notice::Retrying { .. });
        self.notices.iter().filter(is_retry).count()
    }
}

#[test]
fn a_good_server_is_asked_once_and_its_file_is_announced_and_kept() {
    let server = Server::new(|_, request, stream| send_file(stream, request, published()));
    let fetched = Fetched::from(&server);
    fetched.assert_good();
    let [Notice::Fetching { licence: "CC0", .. }] = fetched.notices.as_slice() else {
        panic!("{:?}", fetched.notices);
    };
    let line = fetched.notices[0].to_string();
    assert!(
        line.contains(&server.url("models/vgg16.bin")) && line.contains("0 MB"),
        "{line}"
    );
    let again = Fetched::into(fetched.cache, &server);
    again.assert_good();
    assert_eq!(server.seen().len(), 1);
    assert_eq!(again.notices, []);
}

#[test]
fn a_connection_dropped_half_way_is_resumed_where_it_broke() {
    let server = Server::new(|n, request, stream| {
        let count = if n == 0 { 200_000 } else { usize::MAX };
        send_start(stream, request, published(), count);
    });
    let fetched = Fetched::from(&server);
    fetched.assert_good();
    assert_eq!(fetched.retries(), 1);
    let seen = server.seen();
    assert_eq!(range(&seen[0]), None);
    assert_eq!(range(&seen[1]), Some(200_000));
}

#[test]
fn a_server_without_ranges_sends_all_of_it_again() {
    let server = Server::new(|n, _, stream| {
        let count = if n == 0 { 200_000 } else { usize::MAX };
        send_start(stream, &Vec::new(), published(), count);
    });
    Fetched::from(&server).assert_good();
    assert_eq!(range(&server.seen()[1]), Some(200_000));
}

#[test]
fn three_drops_end_it_and_the_next_run_goes_on_from_there() {
    let server = Server::new(|n, request, stream| {
        let count = if n < 3 { 100_000 } else { usize::MAX };
        send_start(stream, request, published(), count);
    });
    let fetched = Fetched::from(&server);
    let error = fetched.result.as_ref().unwrap_err().to_string();
    let total = published().len();
    assert!(
        error.contains(&format!("broke off after 300000 of {total} bytes")),
        "{error}"
    );
    assert_eq!(files(fetched.cache.path()), ["vgg16.bin.part"]);
    Fetched::into(fetched.cache, &server).assert_good();
    assert_eq!(range(&server.seen()[3]), Some(300_000));
}

#[test]
fn a_range_the_server_answers_with_another_one_starts_over() {
    let server = Server::new(|n, request, stream| match n {
        0 => send_start(stream, request, published(), 1000),
        1 => send(
            stream,
            "206 Partial Content\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5",
            b"abcde",
        ),
        _ => send_file(stream, request, published()),
    });
    Fetched::from(&server).assert_good();
    assert_eq!(range(&server.seen()[2]), None);
}

#[test]
fn a_wrong_length_is_refused_before_anything_is_read() {
    for length in [17_u64, 1 << 40] {
        let server = Server::new(move |_, _, stream| {
            send(
                stream,
                &format!("200 OK\r\nContent-Length: {length}"),
                &[0; 17],
            );
        });
        let error = Fetched::from(&server).refusal();
        let expected = published().len();
        let fault = format!("{length} bytes, the published file has {expected}");
        assert!(error.ends_with(&fault), "{error}");
    }
}

#[test]
fn a_body_without_end_is_cut_at_the_files_size() {
    let server = Server::new(|_, _, stream| {
        send(stream, "200 OK", &[]);
        let block = [7; 1 << 12];
        while std::io::Write::write_all(stream, &block).is_ok() {}
    });
    let fetched = Fetched::from(&server);
    let part = fetched.cache.path().join("vgg16.bin.part");
    assert!(part.metadata().map_or(0, |m| m.len()) <= published().len() as u64);
    let error = fetched.refusal();
    assert!(error.contains("bytes, the published file has"), "{error}");
}

#[test]
fn redirects_are_followed_but_not_in_circles() {
    let server = Server::new(|_, request, stream| {
        let here = request[0].contains("/there");
        if here {
            send_file(stream, request, published());
        } else {
            send(
                stream,
                "302 Found\r\nLocation: /there\r\nContent-Length: 0",
                &[],
            );
        }
    });
    Fetched::from(&server).assert_good();
    let server = Server::new(|_, _, stream| {
        send(
            stream,
            "302 Found\r\nLocation: /round\r\nContent-Length: 0",
            &[],
        );
    });
    let fetched = Fetched::from(&server);
    assert_eq!(fetched.retries(), 0);
    let error = fetched.refusal();
    assert!(error.contains("redirect"), "{error}");
    assert!(server.seen().len() < 10);
}

#[test]
fn a_missing_file_is_not_asked_for_again() {
    let server =
        Server::new(|_, _, stream| send(stream, "404 Not Found\r\nContent-Length: 4", b"gone"));
    let error = Fetched::from(&server).refusal();
    assert_eq!(
        error,
        format!("{}: the server answers 404", server.url("models/vgg16.bin"))
    );
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_server_in_trouble_is_asked_three_times() {
    for status in [
        "500 Internal Server Error",
        "429 Too Many Requests",
        "503 Service Unavailable",
    ] {
        let server = Server::new(move |n, request, stream| {
            if n < 2 {
                send(stream, &format!("{status}\r\nContent-Length: 0"), &[]);
            } else {
                send_file(stream, request, published());
            }
        });
        let fetched = Fetched::from(&server);
        fetched.assert_good();
        assert_eq!(fetched.retries(), 2);
        let server = Server::new(move |_, _, stream| {
            send(stream, &format!("{status}\r\nContent-Length: 0"), &[]);
        });
        let error = Fetched::from(&server).refusal();
        assert!(
            error.ends_with(&format!("answers {}", &status[..3])),
            "{error}"
        );
        assert_eq!(server.seen().len(), 3);
    }
}

#[test]
fn wrong_bytes_are_deleted_and_both_digests_told() {
    let server = Server::new(|_, request, stream| {
        let mut wrong = published().to_vec();
        wrong[100_000] ^= 1;
        send_file(stream, request, &wrong);
    });
    let fetched = Fetched::from(&server);
    assert_eq!(files(fetched.cache.path()), Vec::<String>::new());
    let error = fetched.refusal();
    let expected = sha256(source("").digest);
    assert!(error.contains("wrong SHA-256: "), "{error}");
    assert!(
        error.ends_with(&format!(", should be {expected}")),
        "{error}"
    );
}

#[test]
fn a_download_that_stands_still_is_resumed() {
    let server = Server::new(|n, request, stream| {
        if n == 0 {
            send_start(stream, request, published(), 50_000);
            stall();
        }
        send_file(stream, request, published());
    });
    let fetched = Fetched::from(&server);
    fetched.assert_good();
    assert_eq!(range(&server.seen()[1]), Some(50_000));
}

#[test]
fn a_host_that_never_answers_costs_no_more_than_its_time() {
    let silent = Server::new(|_, _, _| stall());
    // Connections to a full backlog are not even accepted.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    for url in [silent.url("x"), format!("http://127.0.0.1:{port}/x")] {
        let cache = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let from = FetchFrom::Publisher;
        let error = weights::fetch(
            &source(&url),
            &from,
            cache.path(),
            Some(&impatient()),
            &Unreported,
        )
        .unwrap_err()
        .to_string();
        assert_eq!(error, format!("{url}: no answer within 1 s"));
        // Three tries of 2 s each would take 6.
        assert!(
            start.elapsed() < Duration::from_secs(4),
            "{:?}",
            start.elapsed()
        );
    }
    assert_eq!(silent.seen().len(), 1);
}

#[test]
fn a_closed_port_and_an_unknown_host_are_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let cache = tempfile::tempdir().unwrap();
    for url in [
        format!("http://127.0.0.1:{port}/x"),
        "http://no-such-host.invalid/x".to_owned(),
    ] {
        let (heard, network) = (Heard::default(), impatient());
        let from = FetchFrom::Publisher;
        let error = weights::fetch(&source(&url), &from, cache.path(), Some(&network), &heard);
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with(&url), "{error}");
        assert_eq!(heard.notices().len(), 1, "it was tried again");
    }
}

#[test]
fn a_connection_closed_without_a_word_is_tried_again() {
    let server = Server::new(|n, request, stream| {
        if n > 0 {
            send_file(stream, request, published());
        }
    });
    let fetched = Fetched::from(&server);
    fetched.assert_good();
    assert_eq!(fetched.retries(), 1);
}

#[test]
fn a_secure_url_is_never_asked_in_clear() {
    let server = Server::new(|_, request, stream| send_file(stream, request, published()));
    let url = server.url("x").replace("http://", "https://");
    let cache = tempfile::tempdir().unwrap();
    let from = FetchFrom::Publisher;
    let network = impatient();
    let error = weights::fetch(
        &source(&url),
        &from,
        cache.path(),
        Some(&network),
        &Unreported,
    );
    assert!(error.unwrap_err().to_string().starts_with(&url));
    let seen = server.seen();
    assert!(!seen.is_empty());
    let in_clear = |line: &String| line.contains("get /");
    assert!(!seen.iter().flatten().any(in_clear), "{seen:?}");
}

#[test]
fn the_same_file_serves_from_another_url_and_from_disk() {
    let server = Server::new(|_, request, stream| send_file(stream, request, published()));
    let published_at = source("https://published.example/vgg16.bin");
    let folder = tempfile::tempdir().unwrap();
    let by_hand = folder.path().join("by-hand");
    weights_support::write(&by_hand, published());
    for (from, network) in [
        (FetchFrom::Url(server.url("copy")), Some(impatient())),
        (FetchFrom::File(by_hand.clone()), None),
    ] {
        let cache = tempfile::tempdir().unwrap();
        let path = weights::fetch(
            &published_at,
            &from,
            cache.path(),
            network.as_ref(),
            &Unreported,
        )
        .unwrap();
        assert_published(&path);
        let weights = weights::load(&path, Model::Vgg16, DEEPEST).unwrap();
        assert_eq!(weights.origin.source.as_deref(), Some(published_at.url));
        assert_eq!(weights.origin.licence.as_deref(), Some("CC0"));
    }
    assert!(by_hand.exists(), "a file brought by hand is the user's");
}

#[test]
fn a_damaged_file_in_the_cache_is_fetched_anew() {
    let server = Server::new(|_, request, stream| send_file(stream, request, published()));
    let cache = tempfile::tempdir().unwrap();
    weights_support::write(&cache.path().join("vgg16.safetensors"), b"damaged");
    Fetched::into(cache, &server).assert_good();
}
