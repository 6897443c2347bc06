//! One file over HTTP, resumable.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use super::{FetchFault, Internet};
use crate::weights::{Report, WeightsError};

/// How often a server may send us elsewhere.
const MAX_REDIRECTS: u32 = 5;

/// Why a try failed.
pub(super) enum Failure {
    /// Trying again may help.
    Passing(FetchFault),
    /// Trying again will not help.
    Final(WeightsError),
}

/// A download in progress.
pub(super) struct Download<'a> {
    url: &'a str,
    part: &'a Path,
    bytes: u64,
    network: &'a Internet,
    report: &'a dyn Report,
    agent: Agent,
    start: Instant,
    /// Whether the host has ever answered.
    answered: bool,
}

impl<'a> Download<'a> {
    pub fn new(
        url: &'a str,
        part: &'a Path,
        bytes: u64,
        network: &'a Internet,
        report: &'a dyn Report,
    ) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect must not take a secure download to an insecure place.
            .https_only(url.starts_with("https://"))
            .max_redirects(MAX_REDIRECTS)
            .timeout_per_read(Some(network.stall))
            .user_agent(concat!("nst/", env!("CARGO_PKG_VERSION")));
        if !network.proxies {
            config = config.proxy(None);
        }
        Self {
            url,
            part,
            bytes,
            network,
            report,
            agent: config.build().into(),
            start: Instant::now(),
            answered: false,
        }
    }

    /// How long the host may still take until its next answer.
    fn patience(&self) -> Duration {
        if self.answered {
            self.network.stall
        } else {
            self.network.answer.saturating_sub(self.start.elapsed())
        }
    }

    /// Whether a pause of `wait` leaves no time for another try.
    pub fn out_of_time(&self, wait: Duration) -> bool {
        self.patience() <= wait
    }

    /// Fetches what is missing of the file.
    pub fn attempt(&mut self) -> Result<(), Failure> {
        let mut file = self.open()?;
        let mut have = file.metadata().map_err(|e| self.io("read", e))?.len();
        if have > self.bytes {
            file.set_len(0).map_err(|e| self.io("write", e))?;
            have = 0;
        }
        if have == self.bytes {
            return Ok(());
        }
        let response = self.request(have)?;
        self.answered = true;
        let have = self.accept(&response, have, &mut file)?;
        self.receive(response.into_body(), have, &mut file)
    }

    fn open(&self) -> Result<File, Failure> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.part)
            .map_err(|e| self.io("write", e))
    }

    fn io(&self, action: &'static str, error: std::io::Error) -> Failure {
        Failure::Final(WeightsError::io(self.part, action, error))
    }

    /// Asks for the file from byte `have` on. Looking up the name, connecting and waiting
    /// for the answer happen on a thread, so that together they cannot take longer than the
    /// host is given.
    fn request(&self, have: u64) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(self.url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            // Nobody listens any more when the time is over.
            let _ = sender.send(request.call());
        });
        match receiver.recv_timeout(self.patience()) {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(ureq::Error::Timeout(_))) | Err(_) => Err(self.no_answer()),
            Ok(Err(error)) => Err(self.refused(&error)),
        }
    }

    fn no_answer(&self) -> Failure {
        Failure::Passing(FetchFault::NoAnswer(if self.answered {
            self.network.stall
        } else {
            self.network.answer
        }))
    }

    /// A connection that broke may hold the next time. A name that is not known or a port
    /// that is closed will be no better in a second, and whoever is offline should not wait.
    fn refused(&self, error: &ureq::Error) -> Failure {
        match error {
            ureq::Error::Io(io) => {
                let fault = FetchFault::Connection(io.to_string());
                match io.kind() {
                    ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
                    | ErrorKind::TimedOut => Failure::Passing(fault),
                    _ => self.give_up(fault),
                }
            }
            ureq::Error::Protocol(_) | ureq::Error::ConnectionFailed => {
                Failure::Passing(FetchFault::Connection(error.to_string()))
            }
            _ => self.give_up(FetchFault::Connection(error.to_string())),
        }
    }

    fn give_up(&self, fault: FetchFault) -> Failure {
        let url = self.url.to_owned();
        Failure::Final(WeightsError::Fetch { url, fault })
    }

    /// Judges the answer's head. Gives the position its first byte belongs to, with the file
    /// cut to that length.
    fn accept(
        &self,
        response: &Response<Body>,
        have: u64,
        file: &mut File,
    ) -> Result<u64, Failure> {
        let status = response.status();
        let from = match status {
            StatusCode::PARTIAL_CONTENT if have > 0 && range_start(response) == Some(have) => have,
            StatusCode::OK => 0,
            // The part is no beginning of the server's file: start over.
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                file.set_len(0).map_err(|e| self.io("write", e))?;
                return Err(Failure::Passing(FetchFault::Status(status.as_u16())));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                return Err(Failure::Passing(FetchFault::Status(status.as_u16())));
            }
            status if status.is_server_error() => {
                return Err(Failure::Passing(FetchFault::Status(status.as_u16())));
            }
            status => return Err(self.give_up(FetchFault::Status(status.as_u16()))),
        };
        if let Some(length) = response.body().content_length()
            && from.saturating_add(length) != self.bytes
        {
            return Err(self.give_up(FetchFault::WrongSize {
                found: from.saturating_add(length),
                expected: self.bytes,
            }));
        }
        file.set_len(from)
            .and_then(|()| file.seek(SeekFrom::Start(from)))
            .map_err(|e| self.io("write", e))
    }

    /// Appends the body to the file, never past the size the file should have.
    fn receive(&self, body: Body, have: u64, file: &mut File) -> Result<(), Failure> {
        let mut reader = body.into_reader();
        let mut done = have;
        let mut block = vec![0; 1 << 16];
        loop {
            self.report.progress(done, self.bytes);
            let count = match reader.read(&mut block) {
                Ok(0) if done == self.bytes => return Ok(()),
                Ok(0) => return Err(self.broken(done, "the connection was closed")),
                Ok(count) => count,
                Err(e) => return Err(self.broken(done, &e.to_string())),
            };
            done += count as u64;
            if done > self.bytes {
                file.set_len(0).map_err(|e| self.io("write", e))?;
                return Err(self.give_up(FetchFault::WrongSize {
                    found: done,
                    expected: self.bytes,
                }));
            }
            if let Err(error) = file.write_all(&block[..count]) {
                // A full disk gets its space back.
                let _ = file.set_len(0);
                let _ = std::fs::remove_file(self.part);
                return Err(self.io("write", error));
            }
        }
    }

    fn broken(&self, done: u64, why: &str) -> Failure {
        Failure::Passing(FetchFault::Connection(format!(
            "broke off after {done} of {} bytes: {why}",
            self.bytes
        )))
    }
}

/// The first byte of a `Content-Range: bytes 100-199/200`.
fn range_start(response: &Response<Body>) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?;
    let range = range.to_str().ok()?.strip_prefix("bytes ")?;
    range.split_once('-')?.0.parse().ok()
}
