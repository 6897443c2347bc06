//! Pictures to begin with, made for this project.

use serde::Serialize;

/// A sample as the page is told of it.
#[derive(Serialize)]
pub struct Sample {
    name: &'static str,
    /// `photo` or `painting`.
    kind: &'static str,
    #[serde(skip)]
    bytes: &'static [u8],
}

macro_rules! sample {
    ($name:literal, $kind:literal) => {
        Sample {
            name: $name,
            kind: $kind,
            bytes: include_bytes!(concat!("samples/", $name, ".jpg")),
        }
    };
}

/// Every sample.
pub static LIST: [Sample; 6] = [
    sample!("harbour", "photo"),
    sample!("valley", "photo"),
    sample!("swirl", "painting"),
    sample!("ink", "painting"),
    sample!("mosaic", "painting"),
    sample!("woodcut", "painting"),
];

/// The file of a sample.
pub fn bytes(name: &str) -> Option<&'static [u8]> {
    let found = LIST.iter().find(|sample| sample.name == name);
    found.map(|sample| sample.bytes)
}
