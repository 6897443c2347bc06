//! Any bytes as a `.pth` file.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nst_fuzz::check(bytes, ".pth"));
