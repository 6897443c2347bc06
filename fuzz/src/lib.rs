//! What the fuzz targets share. A target for each reader of weights:
//!
//! ```sh
//! cargo install cargo-fuzz
//! fuzz/seed.sh
//! cargo +nightly fuzz run hdf5 -- -max_total_time=60 -malloc_limit_mb=64 -timeout=5
//! ```

use std::io::Write;

/// Reads and checks the bytes as a weights file with this extension, whatever they are.
pub fn check(bytes: &[u8], extension: &str) {
    let mut file = tempfile::Builder::new()
        .suffix(extension)
        .tempfile()
        .expect("the temporary folder takes files");
    file.write_all(bytes)
        .expect("the temporary folder has room");
    if let Ok(checked) = nst::weights::check(file.path())
        && checked.verdict.is_ok()
    {
        assert!(!checked.tensors.is_empty(), "a network has tensors");
    }
}
