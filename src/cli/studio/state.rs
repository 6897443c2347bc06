//! What the server, the painter and the pages share.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use super::ask::{Ask, Order};
use super::gallery::Gallery;
use super::job::{Job, Shown, Status};
use super::network::Network;
use super::shelf::Shelf;
use crate::cli::flags::Flags;
use crate::cli::observers::Interrupt;

/// Most jobs that may wait.
const LONGEST_QUEUE: usize = 200;
/// Jobs that are remembered when they are over; their pictures stay in the folder.
const REMEMBERED: usize = 30;
/// Time between two looks for a signal.
const PULSE: Duration = Duration::from_millis(100);

/// The studio.
pub struct Studio {
    inner: Mutex<Inner>,
    /// Wakes the painter: a job waits, or is to go on or to stop.
    wake: Condvar,
    /// Counts changes, for those who watch.
    changes: watch::Sender<u64>,
    /// Pages that are open.
    viewers: AtomicUsize,
}

/// What one lock guards.
#[derive(Default)]
pub struct Inner {
    pub jobs: Vec<Job>,
    pub shelf: Shelf,
    pub gallery: Gallery,
    pub network: Network,
    last: u32,
    /// Counts what was painted, so that pages look at the folder again.
    painted: u32,
    folder: String,
    closing: bool,
}

/// What every page is told, whole, after each change.
#[derive(Serialize)]
struct View<'a> {
    jobs: Vec<&'a Shown>,
    painted: u32,
    folder: &'a str,
    network: &'a Network,
    version: &'static str,
}

/// A page that is open, until it is dropped.
pub struct Viewer(Arc<Studio>);

impl Viewer {
    /// One page more.
    pub fn new(studio: Arc<Studio>) -> Self {
        studio.viewers.fetch_add(1, Ordering::Relaxed);
        Self(studio)
    }

    /// The studio it looks at.
    pub fn studio(&self) -> &Studio {
        &self.0
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.0.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Studio {
    /// A studio that works in this folder, the current one.
    pub fn new(folder: &Path) -> Self {
        let inner = Inner {
            folder: folder.display().to_string(),
            network: Network::found(),
            ..Inner::default()
        };
        Self {
            inner: Mutex::new(inner),
            wake: Condvar::new(),
            changes: watch::channel(0).0,
            viewers: AtomicUsize::new(0),
        }
    }

    /// Everything, for reading; [`Studio::change`] tells the pages.
    pub fn look(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something and tells every page.
    pub fn change<T>(&self, how: impl FnOnce(&mut Inner) -> T) -> T {
        let result = how(&mut self.look());
        self.wake.notify_all();
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Changes a job, if it is still known.
    pub fn change_job(&self, id: u32, how: impl FnOnce(&mut Job)) {
        self.change(|inner| inner.job(id).map(how));
    }

    /// Hears of changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether a page is open.
    pub fn is_watched(&self) -> bool {
        self.viewers.load(Ordering::Relaxed) > 0
    }

    /// What pages are told, as JSON.
    pub fn view(&self) -> String {
        let inner = self.look();
        let view = View {
            jobs: inner.jobs.iter().map(|job| &job.shown).collect(),
            painted: inner.painted,
            folder: &inner.folder,
            network: &inner.network,
            version: env!("CARGO_PKG_VERSION"),
        };
        serde_json::to_string(&view).unwrap_or_default()
    }

    /// Queues what a page asks for, and gives its id.
    ///
    /// # Errors
    ///
    /// What cannot be painted; too many jobs.
    pub fn queue(&self, ask: Ask) -> anyhow::Result<u32> {
        self.change(|inner| {
            let waiting = inner.jobs.iter().filter(|job| !job.shown.status.is_over());
            anyhow::ensure!(
                waiting.count() < LONGEST_QUEUE,
                "{LONGEST_QUEUE} jobs wait already: let some be painted first"
            );
            let order = inner.order(&ask)?;
            inner.last += 1;
            let id = inner.last;
            inner.jobs.push(Job::new(id, ask, order));
            Ok(id)
        })
    }

    /// The next job, when there is one; none when the studio closes.
    pub fn next(&self, interrupt: &Interrupt) -> Option<(u32, Flags)> {
        let mut inner = self.look();
        loop {
            if inner.closing || interrupt.exit_code().is_some() {
                return None;
            }
            let waits = |job: &&mut Job| job.shown.status == Status::Queued && !job.pause;
            if let Some(job) = inner.jobs.iter_mut().find(waits) {
                job.shown.status = Status::Starting;
                let next = (job.id, job.flags.clone());
                drop(inner);
                self.changes.send_modify(|count| *count += 1);
                return Some(next);
            }
            inner = self.wait(inner);
        }
    }

    /// Waits while a job is paused; gives whether it is to go on then.
    pub fn goes_on(&self, id: u32, interrupt: &Interrupt) -> bool {
        let mut inner = self.look();
        loop {
            let closing = inner.closing || interrupt.exit_code().is_some();
            let Some(job) = inner.job(id).filter(|job| !job.stop && !closing) else {
                return false;
            };
            let status = if job.pause {
                Status::Paused
            } else {
                Status::Running
            };
            let changed = job.shown.status != status;
            job.shown.status = status;
            if changed {
                self.changes.send_modify(|count| *count += 1);
            }
            if status == Status::Running {
                return true;
            }
            inner = self.wait(inner);
        }
    }

    fn wait<'a>(&self, inner: MutexGuard<'a, Inner>) -> MutexGuard<'a, Inner> {
        let waited = self.wake.wait_timeout(inner, PULSE);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Settles a job that is over.
    pub fn settle(&self, id: u32, status: Status, error: Option<String>) {
        self.change(|inner| {
            let output = inner.job(id).map(|job| job.output.clone());
            let saved = output.filter(|path| status != Status::Failed && path.is_file());
            let picture = saved.map(|path| inner.shelf.put(&path));
            if let Some(job) = inner.job(id) {
                job.shown.picture = picture;
                job.shown.status = status;
                job.shown.error = error;
                job.shown.progress.left = None;
            }
            inner.painted += 1;
            inner.forget();
        });
    }

    /// Lets nothing new begin, and ends what is being painted after its step.
    pub fn close(&self) {
        self.change(|inner| inner.closing = true);
    }
}

impl Inner {
    /// A job by its id.
    pub fn job(&mut self, id: u32) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    /// What a page asks for, checked.
    ///
    /// # Errors
    ///
    /// What cannot be painted.
    pub fn order(&self, ask: &Ask) -> anyhow::Result<Order> {
        let waiting = self.jobs.iter().filter(|job| !job.shown.status.is_over());
        let outputs = waiting.map(|job| job.output.clone());
        let taken: HashSet<PathBuf> = outputs.collect();
        Order::of(ask, &self.shelf, &taken)
    }

    /// Drops the oldest jobs that are over, with their pictures in memory.
    fn forget(&mut self) {
        let over = self.jobs.iter().filter(|job| job.shown.status.is_over());
        let mut many = over.count().saturating_sub(REMEMBERED);
        self.jobs.retain(|job| {
            let goes = many > 0 && job.shown.status.is_over();
            many -= usize::from(goes);
            !goes
        });
    }
}
