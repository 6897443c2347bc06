//! A folder to run the binary in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use nst::vgg::Model;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use tempfile::TempDir;

/// Where the software driver of graphics cards keeps what it compiled: one place for all tests, for it
/// takes longer to compile than to run them.
const DRIVER_CACHE: (&str, &str) = (
    "MESA_SHADER_CACHE_DIR",
    concat!(env!("CARGO_TARGET_TMPDIR"), "/mesa"),
);

/// A folder with two small pictures and seeded weights of the first two layers.
pub struct Studio {
    folder: TempDir,
}

/// Flags that keep to the layers the seeded weights have.
pub const SHALLOW: [&str; 4] = [
    "--content-layer",
    "block1_conv2",
    "--style-layers",
    "block1_conv1,block1_conv2",
];

impl Studio {
    pub fn new() -> Self {
        let studio = Self {
            folder: TempDir::new().unwrap(),
        };
        studio.draw("photo.png", 40, 30);
        studio.draw("painting.png", 24, 36);
        studio.write_weights("weights.safetensors");
        studio
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn draw(&self, name: &str, width: u32, height: u32) {
        image::RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([(x * 6) as u8, (y * 7) as u8, (x * y) as u8])
        })
        .save(self.path(name))
        .unwrap();
    }

    pub fn write_weights(&self, name: &str) {
        self.write_seeded_weights(name, 3);
    }

    /// Weights that paint another picture for each seed.
    pub fn write_seeded_weights(&self, name: &str, seed: u64) {
        let weights = super::seeded(Model::Vgg19, seed);
        let mut bytes = Vec::new();
        for (layer, convolution) in weights.convolutions.iter().take(2) {
            for (part, values, shape) in [
                (
                    "weight",
                    &convolution.weight,
                    vec![layer.outputs(), layer.inputs(), 3, 3],
                ),
                ("bias", &convolution.bias, vec![layer.outputs()]),
            ] {
                let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                bytes.push((format!("{layer}.{part}"), raw, shape));
            }
        }
        let views: BTreeMap<_, _> = bytes
            .iter()
            .map(|(name, raw, shape)| {
                let view = TensorView::new(Dtype::F32, shape.clone(), raw).unwrap();
                (name.clone(), view)
            })
            .collect();
        let metadata = [("model", "vgg19"), ("preprocessing", "torchvision")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        serialize_to_file(views, Some(metadata.into()), &self.path(name)).unwrap();
    }

    /// `nst` in the folder, with a home of its own, so that no weights of this machine are found.
    pub fn nst(&self) -> Command {
        Command::from_std(self.bare())
    }

    /// The same as a process that is not waited for.
    pub fn bare(&self) -> std::process::Command {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("nst"));
        command
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env(DRIVER_CACHE.0, DRIVER_CACHE.1)
            .env("NST_OFFLINE", "1")
            .env_remove("NST_WEIGHTS");
        command
    }

    /// A process of `nst` on these flags, those of [`SHALLOW`] and more, that is not waited for: to be
    /// interrupted, or to be spoken to on standard error.
    pub fn process(&self, flags: &[&str], more: &[&str]) -> std::process::Command {
        let mut command = self.bare();
        command
            .args(flags)
            .args(SHALLOW)
            .args(more)
            .stderr(std::process::Stdio::piped());
        command
    }

    /// `nst` with everything a small transfer needs except the output.
    pub fn transfer(&self) -> Command {
        let mut command = self.nst();
        command
            .args(["--content", "photo.png", "--style", "painting.png"])
            .args([
                "--weights",
                "weights.safetensors",
                "--size",
                "32",
                "--steps",
                "3",
            ])
            .args(SHALLOW);
        command
    }

    pub fn files(&self) -> Vec<String> {
        self.files_in(".")
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Names in one of its folders, sorted; none if there is no such folder.
    pub fn files_in(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).into_iter().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}
