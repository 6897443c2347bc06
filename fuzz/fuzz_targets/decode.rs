//! Any bytes at all are a picture that keeps its promises or an error: never a panic, never unbounded memory.
//!
//! `cargo +nightly fuzz run decode -- -max_total_time=120 -malloc_limit_mb=256`
#![no_main]

use std::panic;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use nst::picture::{Limits, decode_bytes};

fuzz_target!(
    // The engine ends the process at any panic; those of the decoders are caught, and that is what is tested.
    init: panic::set_hook(Box::new(|_| ())),
    |bytes: &[u8]| {
        let limits = Limits {
            max_pixels: 1 << 18,
            allow_cut: bytes.len() % 2 == 0,
        };
        let Ok(picture) = decode_bytes(Path::new("fuzz"), bytes, &limits) else { return };
        let size = picture.width * picture.height;
        assert!(size > 0 && size as u64 <= limits.max_pixels);
        assert_eq!(picture.pixels.len(), 3 * size);
        assert!(picture.alpha.as_ref().is_none_or(|alpha| alpha.len() == size));
        let resized = picture.resized(7, 5);
        for samples in [Some(&picture.pixels), picture.alpha.as_ref(), Some(&resized.pixels)] {
            assert!(samples.into_iter().flatten().all(|v| (0.0..=1.0).contains(v)));
        }
        for note in picture.notes {
            assert!(!note.to_string().contains(char::is_control));
        }
    }
);
