//! A small HTTP server on the loopback interface that can do everything wrong.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request's first line and headers, in lower case.
pub type Request = Vec<String>;

/// The first byte a request's `Range` asks for.
pub fn range(request: &Request) -> Option<usize> {
    let range = request
        .iter()
        .find_map(|line| line.strip_prefix("range: bytes="))?;
    Some(range.strip_suffix('-')?.parse().unwrap())
}

/// A running server; it ends with the process.
pub struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers request `n`, counted from 0, with `answer(n, request, stream)`, then closes.
    pub fn new(answer: impl Fn(usize, &Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || serve(n, stream.unwrap(), &log, answer.as_ref()));
            }
        });
        Self { port, seen }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(
    n: usize,
    mut stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    answer: &dyn Fn(usize, &Request, &mut TcpStream),
) {
    let request = read_request(&stream);
    log.lock().unwrap().push(request.clone());
    answer(n, &request, &mut stream);
}

/// The next request on a connection. Closing with one unread resets the connection, and the
/// client may lose the end of what it was sent.
pub fn read_request(stream: &TcpStream) -> Request {
    BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .map(|line| line.to_lowercase())
        .collect()
}

/// Sends a head and a body. The client may have gone: that is its choice.
pub fn send(stream: &mut TcpStream, head: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body));
}

/// Answers as a good server does: the whole file, or from the byte asked for.
pub fn send_file(stream: &mut TcpStream, request: &Request, file: &[u8]) {
    send_start(stream, request, file, usize::MAX);
}

/// The same, but only the first `count` bytes of what it promised.
pub fn send_start(stream: &mut TcpStream, request: &Request, file: &[u8], count: usize) {
    let start = range(request).unwrap_or(0);
    let rest = &file[start..];
    let (length, total) = (rest.len(), file.len());
    let head = if start == 0 {
        format!("200 OK\r\nContent-Length: {length}")
    } else {
        let last = total - 1;
        format!(
            "206 Partial Content\r\nContent-Length: {length}\r\n\
             Content-Range: bytes {start}-{last}/{total}"
        )
    };
    send(stream, &head, &rest[..count.min(length)]);
}

/// Keeps a connection open in silence.
pub fn stall() {
    thread::sleep(Duration::from_mins(1));
}
