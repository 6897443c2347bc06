//! What was timed on a graphics card, kept in the user's cache folder for the next process: a file for
//! each card, driver and version of `nst`, under `cards`.
//!
//! It only saves time. One that cannot be read, or is of something else, counts as none, and one that
//! cannot be written is not.

use std::fs::{self, File};
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use nst::device::Adapter;
use nst::files;
use nst::kernels::card;
use nst::weights::Places;
use serde::{Deserialize, Serialize};

/// More bytes than such a file has.
const LONGEST: u64 = 4096;
/// Most letters of a card in its file's name.
const NAME: usize = 100;
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Debug, Deserialize, Serialize)]
struct Remembered {
    card: String,
    nst: String,
    winograd: bool,
}

impl Remembered {
    fn is_of(&self, adapter: &Adapter) -> bool {
        self.card == adapter.to_string() && self.nst == VERSION
    }
}

/// Times a card unless that was done, and keeps what came of it.
pub fn found_out(device: &Device, adapter: &Adapter) {
    let Some(path) = path(adapter) else { return };
    if read(&path, adapter).is_some() {
        return;
    }
    let timed = catch_unwind(AssertUnwindSafe(|| card::winograd_pays(device)));
    let Ok(Some(winograd)) = timed else { return };
    let (card, nst) = (adapter.to_string(), VERSION.to_owned());
    let found = Remembered {
        card,
        nst,
        winograd,
    };
    if let Ok(text) = serde_json::to_vec(&found) {
        let _ = path.parent().map(fs::create_dir_all);
        let _ = files::replace_with(&path, |file| file.write_all(&text));
    }
}

/// Has this process go by what was found out.
pub fn heed(device: &Device, adapter: &Adapter) {
    if let Some(found) = path(adapter).and_then(|path| read(&path, adapter)) {
        card::assume_winograd(device, found.winograd);
    }
}

/// Where it is kept.
fn path(adapter: &Adapter) -> Option<PathBuf> {
    let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = adapter.to_string().chars().take(NAME).map(word).collect();
    let cache = Places::of_this_process().cache?;
    Some(cache.join("cards").join(format!("{name}.json")))
}

fn read(path: &Path, adapter: &Adapter) -> Option<Remembered> {
    let file = path.is_file().then(|| File::open(path).ok())??;
    let found: Remembered = serde_json::from_reader(file.take(LONGEST)).ok()?;
    found.is_of(adapter).then_some(found)
}
