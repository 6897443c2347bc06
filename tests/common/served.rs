//! A running `nst studio`, and a client of it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A studio in a folder of its own, with the built-in network; it ends with the value.
pub struct Served {
    pub child: Child,
    pub port: u16,
    pub token: String,
    said: Arc<Mutex<String>>,
    folder: TempDir,
}

/// An answer, as it came.
pub struct Answer {
    pub status: u16,
    /// Names and values, in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
}

impl Served {
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// With more flags.
    pub fn with(flags: &[&str]) -> Self {
        Self::among(flags, &std::env::var_os("PATH").unwrap_or_default())
    }

    /// With more flags, and programs in these folders.
    pub fn among(flags: &[&str], programs: &OsStr) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("home")).unwrap();
        std::fs::create_dir(folder.path().join("work")).unwrap();
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("nst"))
            .current_dir(folder.path())
            .env("HOME", folder.path().join("home"))
            .env("XDG_CACHE_HOME", folder.path().join("home"))
            .env("NST_OFFLINE", "1")
            .env("PATH", programs)
            .env_remove("NST_WEIGHTS")
            .args(["studio", "work"])
            .args(flags)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let address = first
            .split("http://")
            .nth(1)
            .unwrap_or_else(|| panic!("{first}"));
        let port = address.split([':', '/']).nth(1).unwrap().parse().unwrap();
        let token = address.split("token=").nth(1).unwrap().trim().to_owned();
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut heard = heard.lock().unwrap();
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Self {
            child,
            port,
            token,
            said,
            folder,
        }
    }

    /// What it has said after its address.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// The folder that it works in.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Names in its folder, sorted.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.work()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The address that it printed.
    pub fn address(&self) -> String {
        format!("{}/?token={}", self.origin(), self.token)
    }

    /// The header of the cookie that the token becomes.
    pub fn cookie(&self) -> String {
        format!("Cookie: nst-studio-{}={}", self.port, self.token)
    }

    /// The headers of the page's own writes.
    pub fn headers(&self) -> Vec<String> {
        vec![
            format!("Host: 127.0.0.1:{}", self.port),
            self.cookie(),
            format!("Origin: {}", self.origin()),
            "Sec-Fetch-Site: same-origin".into(),
            "X-Nst-Studio: 1".into(),
        ]
    }

    /// Sends a request with exactly these headers (and the length of a body), and reads to the end.
    pub fn raw(&self, line: &str, headers: &[String], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        let mut lines = vec![format!("{line} HTTP/1.1"), "Connection: close".to_owned()];
        lines.extend_from_slice(headers);
        if !body.is_empty() || line.starts_with("POST") {
            lines.push(format!("Content-Length: {}", body.len()));
        }
        let text = lines.join("\r\n") + "\r\n\r\n";
        stream.write_all(text.as_bytes()).unwrap();
        // A server that refuses need not read it all.
        let _ = stream.write_all(body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer to {line}"));
        let head = String::from_utf8(bytes[..end].to_vec())
            .unwrap()
            .to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut body = bytes.split_off(end + 4);
        if head.contains("transfer-encoding: chunked") {
            body = unchunked(&body);
        }
        Answer { status, head, body }
    }

    /// As the page asks.
    pub fn get(&self, path: &str) -> Answer {
        self.raw(&format!("GET {path}"), &self.headers(), b"")
    }

    pub fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.raw(&format!("POST {path}"), &self.headers(), body)
    }

    /// Asks for something and expects that it is done.
    #[track_caller]
    pub fn done(&self, path: &str, body: &Value) -> Value {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = self.post(path, body.as_bytes());
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Drops a small picture, and gives its id.
    #[track_caller]
    pub fn drop_picture(&self, name: &str, width: u32, height: u32) -> String {
        let answer = self.post(&format!("/api/pictures?name={name}"), &png(width, height));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Everything that pages are told: the first event.
    pub fn state(&self) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let headers = self.headers().join("\r\n");
        write!(stream, "GET /api/events HTTP/1.1\r\n{headers}\r\n\r\n").unwrap();
        let mut lines = BufReader::new(stream).lines();
        let event = lines.find_map(|line| Some(line.unwrap().strip_prefix("data: ")?.to_owned()));
        serde_json::from_str(&event.unwrap()).unwrap()
    }

    /// Waits until the state is as wanted, and gives it.
    #[track_caller]
    pub fn wait(&self, what: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let state = self.state();
            if what(&state) {
                return state;
            }
            assert!(
                start.elapsed() < Duration::from_mins(3),
                "not so: {state:#}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until a job is as wanted.
    #[track_caller]
    pub fn wait_for(&self, id: &Value, status: &[&str]) -> Value {
        let job = |state: &Value| {
            let jobs = state["jobs"].as_array().unwrap();
            jobs.iter().find(|job| job["id"] == *id).cloned()
        };
        let state = self.wait(|state| {
            job(state).is_some_and(|job| status.contains(&job["status"].as_str().unwrap()))
        });
        job(&state).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|w| w == b"\r\n") {
        let length = std::str::from_utf8(&body[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        let chunk = &body[end + 2..];
        whole.extend_from_slice(&chunk[..length]);
        body = &chunk[(length + 2).min(chunk.len())..];
    }
    whole
}

/// A PNG with something to see in it.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x * 6) as u8, (y * 7) as u8, (x * y) as u8])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// What a page asks for: a small picture in few steps, and more settings.
pub fn small(content: &str, style: &str, more: &[(&str, &str)]) -> Value {
    let mut settings = serde_json::json!({ "size": "64", "scales": "1", "steps": "3" });
    for (flag, value) in more {
        settings[*flag] = (*value).into();
    }
    serde_json::json!({ "content": content, "styles": [{ "id": style }], "settings": settings })
}

/// Whether there is such a file.
pub fn is_there(folder: &Path, name: &str) -> bool {
    folder.join(name).is_file()
}
