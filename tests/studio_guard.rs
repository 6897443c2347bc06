//! Who gets into `nst studio`, by requests as anybody can send them.
#![cfg(feature = "studio")]

mod common;

use common::served::{Served, png};

/// The headers, with one of them replaced or, with no value, left out.
fn but(headers: &[String], name: &str, value: Option<&str>) -> Vec<String> {
    let mut headers: Vec<_> = headers
        .iter()
        .filter(|h| !h.starts_with(name))
        .cloned()
        .collect();
    headers.extend(value.map(|value| format!("{name}: {value}")));
    headers
}

#[test]
fn without_the_token_there_is_nothing_to_see() {
    let served = Served::new();
    let host = [format!("Host: 127.0.0.1:{}", served.port)];
    for path in [
        "/",
        "/main.js",
        "/api/events",
        "/api/settings",
        "/api/gallery",
        "/no-such",
    ] {
        let answer = served.raw(&format!("GET {path}"), &host, b"");
        assert_eq!(answer.status, 403, "{path}");
        assert!(!answer.text().contains("<html"), "{path}");
    }
    let wrong = "0".repeat(32);
    for path in [
        format!("/?token={wrong}"),
        "/?token=".into(),
        "/?token".into(),
    ] {
        let answer = served.raw(&format!("GET {path}"), &host, b"");
        assert_eq!(answer.status, 403, "{path}");
        assert!(!answer.head.contains("set-cookie"), "{path}");
    }
    let cookie = format!("Cookie: nst-studio-{}={wrong}", served.port);
    let answer = served.raw("GET /", &[host[0].clone(), cookie], b"");
    assert_eq!(answer.status, 403);
}

#[test]
fn the_token_becomes_a_cookie_that_no_script_and_no_other_site_has() {
    let served = Served::new();
    assert_eq!(served.token.len(), 32, "128 bits");
    let host = [format!("Host: 127.0.0.1:{}", served.port)];
    let answer = served.raw(&format!("GET /?token={}", served.token), &host, b"");
    assert_eq!(answer.status, 303);
    assert!(answer.head.contains("\nlocation: /\r"), "{}", answer.head);
    let cookie = answer
        .head
        .lines()
        .find(|line| line.starts_with("set-cookie"))
        .unwrap();
    for part in ["httponly", "samesite=strict", "path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let answer = served.raw("GET /", &[host[0].clone(), served.cookie()], b"");
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("<title>nst studio</title>"));
    // The token opens the page only, not what lies behind it.
    let answer = served.raw(
        &format!("GET /api/settings?token={}", served.token),
        &host,
        b"",
    );
    assert_eq!(answer.status, 403);
}

#[test]
fn a_name_that_was_bound_to_this_address_is_refused_even_with_the_cookie() {
    let served = Served::new();
    let port = served.port;
    for host in [
        format!("evil.example:{port}"),
        "evil.example".into(),
        format!("127.0.0.1.evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("127.0.0.1:{}", port.wrapping_add(1)),
        "127.0.0.1".into(),
        format!("0.0.0.0:{port}"),
        format!("[::1]:{port}"),
        String::new(),
    ] {
        let headers = but(&served.headers(), "Host", Some(&host));
        let get = served.raw("GET /api/gallery", &headers, b"");
        assert_eq!(get.status, 403, "{host}");
        // The other site's own origin, as its page would send it.
        let origin = format!("http://{host}");
        let headers = but(&headers, "Origin", Some(&origin));
        let post = served.raw("POST /api/samples/harbour", &headers, b"");
        assert_eq!(post.status, 403, "{host}");
        let enters = served.raw(&format!("GET /?token={}", served.token), &headers, b"");
        assert_eq!(enters.status, 403, "{host}");
    }
    let mut two = served.headers();
    two.push(format!("Host: evil.example:{port}"));
    assert_ne!(served.raw("GET /api/gallery", &two, b"").status, 200);
    let none = but(&served.headers(), "Host", None);
    assert_ne!(served.raw("GET /api/gallery", &none, b"").status, 200);
    let known = but(
        &served.headers(),
        "Host",
        Some(&format!("localhost:{port}")),
    );
    assert_eq!(served.raw("GET /api/gallery", &known, b"").status, 200);
    assert!(served.files().is_empty(), "nothing was written");
}

#[test]
fn a_write_needs_every_proof_that_it_comes_from_the_page() {
    let served = Served::new();
    let good = served.headers();
    let other = format!("http://127.0.0.1:{}", served.port.wrapping_add(1));
    for (name, value) in [
        ("Cookie", None),
        ("Origin", None),
        ("Origin", Some("null")),
        ("Origin", Some("http://evil.example")),
        ("Origin", Some("https://127.0.0.1")),
        ("Origin", Some(other.as_str())),
        ("Sec-Fetch-Site", Some("cross-site")),
        ("Sec-Fetch-Site", Some("same-site")),
        ("X-Nst-Studio", None),
        ("X-Nst-Studio", Some("0")),
    ] {
        let headers = but(&good, name, value);
        for path in [
            "/api/samples/harbour",
            "/api/jobs",
            "/api/pictures?name=x.png",
        ] {
            let answer = served.raw(&format!("POST {path}"), &headers, &png(8, 8));
            assert_eq!(answer.status, 403, "{name} {value:?}");
        }
    }
    let swapped = but(
        &good,
        "Origin",
        Some(&format!("http://localhost:{}", served.port)),
    );
    assert_eq!(
        served
            .raw("POST /api/samples/harbour", &swapped, b"")
            .status,
        403
    );
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let headers = but(&good, "Origin", Some("http://evil.example"));
        let answer = served.raw(&format!("{method} /api/jobs"), &headers, b"");
        assert_eq!(answer.status, 403, "{method}");
    }
    assert!(served.files().is_empty(), "nothing was written");
    let answer = served.raw("POST /api/samples/harbour", &good, b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let silent = but(&good, "Sec-Fetch-Site", None);
    let answer = served.raw("POST /api/samples/harbour", &silent, b"");
    assert_eq!(
        answer.status, 200,
        "an old browser says nothing of the site"
    );
}

#[test]
fn another_site_cannot_even_read() {
    let served = Served::new();
    for site in ["cross-site", "same-site"] {
        let headers = but(&served.headers(), "Sec-Fetch-Site", Some(site));
        for path in ["/", "/api/gallery", "/api/events", "/main.js"] {
            let answer = served.raw(&format!("GET {path}"), &headers, b"");
            assert_eq!(answer.status, 403, "{site} {path}");
        }
    }
    // But a link to the page may be followed, from a mail program or a chat.
    let mut link = but(&served.headers(), "Sec-Fetch-Site", Some("cross-site"));
    link.extend([
        "Sec-Fetch-Mode: navigate".into(),
        "Sec-Fetch-Dest: document".into(),
    ]);
    assert_eq!(served.raw("GET /", &link, b"").status, 200);
    let frame = but(&link, "Sec-Fetch-Dest", Some("iframe"));
    assert_eq!(served.raw("GET /", &frame, b"").status, 403);
}

#[test]
fn every_answer_forbids_what_a_page_does_not_need() {
    let served = Served::new();
    let stranger = [format!("Host: 127.0.0.1:{}", served.port)];
    let answers = [
        served.get("/"),
        served.get("/api/settings"),
        served.get("/no-such"),
        served.post("/api/jobs", b"{"),
        served.raw("GET /", &stranger, b""),
        served.raw(&format!("GET /?token={}", served.token), &stranger, b""),
    ];
    for answer in answers {
        for header in [
            "content-security-policy: default-src 'self'; frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "x-frame-options: deny",
            "cross-origin-resource-policy: same-origin",
            "cache-control: no-store",
        ] {
            assert!(answer.head.contains(header), "{header}\n{}", answer.head);
        }
        assert!(
            !answer.head.contains("access-control-allow"),
            "{}",
            answer.head
        );
    }
}

#[test]
fn it_listens_on_this_machine_alone_unless_asked_and_then_warns() {
    let served = Served::new();
    // The whole of 127/8 is this machine on Linux; a server on all addresses would answer here.
    #[cfg(target_os = "linux")]
    assert!(std::net::TcpStream::connect(("127.0.0.2", served.port)).is_err());
    assert!(!served.said().contains("--host"));
    let open = Served::with(&["--host", "0.0.0.0"]);
    #[cfg(target_os = "linux")]
    assert!(std::net::TcpStream::connect(("127.0.0.2", open.port)).is_ok());
    common::batch::wait_until(|| open.said().contains("--host 0.0.0.0: other machines"));
    let headers = but(
        &open.headers(),
        "Host",
        Some(&format!("evil.example:{}", open.port)),
    );
    assert_eq!(open.raw("GET /api/gallery", &headers, b"").status, 403);
}

#[cfg(target_os = "linux")]
#[test]
fn open_starts_the_browser_of_this_machine_with_the_whole_address() {
    use std::os::unix::fs::PermissionsExt;

    let programs = tempfile::TempDir::new().unwrap();
    let (browser, told) = (
        programs.path().join("xdg-open"),
        programs.path().join("told"),
    );
    std::fs::write(
        &browser,
        format!("#!/bin/sh\necho \"$1\" > {}\n", told.display()),
    )
    .unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let served = Served::among(&["--open"], programs.path().as_os_str());
    let address = served.address() + "\n";
    common::batch::wait_until(|| std::fs::read_to_string(&told).is_ok_and(|t| t == address));
}

#[cfg(target_os = "linux")]
#[test]
fn where_no_browser_starts_the_studio_says_so_and_stays_open() {
    let served = Served::among(&["--open"], std::ffi::OsStr::new("/nowhere"));
    common::batch::wait_until(|| served.said().contains("--open: no browser starts"));
    assert_eq!(served.get("/api/gallery").status, 200);
}

#[test]
fn pictures_have_ids_and_no_path_is_one() {
    let served = Served::new();
    std::fs::write(served.work().join("secret.png"), png(9, 9)).unwrap();
    for id in [
        "secret.png",
        "..%2Fwork%2Fsecret.png",
        "%2Fetc%2Fpasswd",
        "0000000000000000",
    ] {
        let answer = served.get(&format!("/api/pictures/{id}/thumb.jpg"));
        assert_eq!(answer.status, 404, "{id}");
    }
    let photo = served.drop_picture("photo.png", 40, 30);
    for (content, style) in [("secret.png", &*photo), (&photo, "../work/secret.png")] {
        let ask = common::served::small(content, style, &[]);
        let answer = served.post("/api/jobs", ask.to_string().as_bytes());
        assert_eq!(answer.status, 422, "{}", answer.text());
    }
    for (flag, value) in [
        ("output", "stolen.png"),
        ("weights", "/etc/passwd"),
        ("init", "secret.png"),
        ("checkpoint", "x"),
        ("timelapse", "x.gif"),
    ] {
        let ask = common::served::small(&photo, &photo, &[(flag, value)]);
        let answer = served.post("/api/jobs", ask.to_string().as_bytes());
        assert_eq!(answer.status, 422, "{flag}: {}", answer.text());
    }
    assert_eq!(served.files(), ["nst-inputs", "secret.png"]);
}

#[test]
fn a_picture_is_sent_as_pixels_never_as_the_bytes_that_came() {
    let served = Served::new();
    let mut bytes = png(40, 30);
    bytes.extend_from_slice(b"<script>alert(1)</script>");
    let answer = served.post("/api/pictures?name=x.html", &bytes);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    for view in ["thumb.jpg", "whole.jpg"] {
        let picture = served.get(&format!("/api/pictures/{id}/{view}"));
        assert!(
            picture.head.contains("content-type: image/jpeg"),
            "{}",
            picture.head
        );
        assert!(picture.body.starts_with(&[0xff, 0xd8]));
        assert!(!picture.text().contains("script"));
    }
    assert_eq!(answer.json()["name"], "x.png", "the name says what it is");
}

#[test]
fn what_is_no_picture_or_too_long_is_refused_and_not_kept() {
    let served = Served::new();
    for bytes in [&b""[..], b"no picture", b"<html>", &png(40, 30)[..60]] {
        let answer = served.post("/api/pictures?name=bad.png", bytes);
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert!(answer.text().contains("bad.png"), "{}", answer.text());
    }
    // A PNG that claims 4 gigapixels.
    let mut huge = png(40, 30);
    huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let answer = served.post("/api/pictures?name=huge.png", &huge);
    assert_eq!(answer.status, 422, "{}", answer.text());
    let long = vec![0; (128 << 20) + 1];
    let answer = served.post("/api/pictures?name=long.png", &long);
    assert_eq!(answer.status, 413, "{}", answer.text());
    let question = vec![b' '; 70_000];
    assert_eq!(served.post("/api/jobs", &question).status, 413);
    assert!(served.files().is_empty());
}
