//! Any bytes as a `.h5` file.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nst_fuzz::check(bytes, ".h5"));
