use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::flags::Flags;
use crate::cli::provenance::Provenance;

/// What a run is told by, as far as it is known before its network is.
pub struct Record<'a> {
    /// Its flags.
    pub flags: &'a Flags,
    /// The digests of its inputs, by name.
    pub inputs: &'a BTreeMap<String, String>,
}

impl Record<'_> {
    /// Whether the picture at `path` is what such a run left when it ended early, or a frame.
    pub fn left(&self, path: &Path) -> bool {
        match Provenance::read(path) {
            Ok(Some(there)) => there.is_unfinished() && there.is_of(self.flags, self.inputs),
            _ => false,
        }
    }
}
