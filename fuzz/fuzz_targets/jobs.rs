//! Any text at all is a list of jobs whose flags have names and values, or an error.
//!
//! `cargo +nightly fuzz run jobs -- -max_total_time=120 -malloc_limit_mb=64 -timeout=5`
#![no_main]

use libfuzzer_sys::fuzz_target;
use nst::jobs::{Format, Setting, parse};

fuzz_target!(|text: &str| {
    for format in [Format::Toml, Format::Csv] {
        let Ok(list) = parse(text, format) else { continue };
        assert!(!list.jobs.is_empty());
        for (name, setting) in list.jobs.iter().chain([&list.defaults]).flatten() {
            assert!(name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains('='));
            assert!(!matches!(setting, Setting::Values(values) if values.is_empty()));
        }
    }
});
