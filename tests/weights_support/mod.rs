//! Small weight files for tests, written byte by byte so that they can be wrong in any way.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod published;
pub mod server;

use std::path::Path;
use std::sync::Mutex;

use half::{bf16, f16};
use nst::vgg::{Layer, Model};
use nst::weights::{Notice, Report};
use serde_json::{Map, Value, json};

/// A tensor as a file holds it.
#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    pub dtype: &'static str,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Tensor {
    pub fn f32(name: &str, shape: &[usize], values: &[f32]) -> Self {
        Self::new(
            name,
            "F32",
            shape,
            values.iter().flat_map(|v| v.to_le_bytes()),
        )
    }

    pub fn f16(name: &str, shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes());
        Self::new(name, "F16", shape, bytes)
    }

    pub fn bf16(name: &str, shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|&v| bf16::from_f32(v).to_le_bytes());
        Self::new(name, "BF16", shape, bytes)
    }

    pub fn i8(name: &str, shape: &[usize], values: &[i8]) -> Self {
        Self::new(name, "I8", shape, values.iter().map(|v| v.cast_unsigned()))
    }

    fn new(
        name: &str,
        dtype: &'static str,
        shape: &[usize],
        bytes: impl IntoIterator<Item = u8>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            dtype,
            shape: shape.to_vec(),
            bytes: bytes.into_iter().collect(),
        }
    }
}

/// The bytes of a safetensors file.
pub fn safetensors(metadata: &[(&str, &str)], tensors: &[Tensor]) -> Vec<u8> {
    let mut header = Map::new();
    if !metadata.is_empty() {
        let metadata: Map<_, _> = metadata
            .iter()
            .map(|&(k, v)| (k.to_owned(), Value::from(v)))
            .collect();
        header.insert("__metadata__".to_owned(), Value::Object(metadata));
    }
    let mut offset = 0;
    for t in tensors {
        let end = offset + t.bytes.len();
        let info = json!({"dtype": t.dtype, "shape": t.shape, "data_offsets": [offset, end]});
        header.insert(t.name.clone(), info);
        offset = end;
    }
    let header = serde_json::to_vec(&header).unwrap();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(tensors.iter().flat_map(|t| &t.bytes));
    file
}

/// The metadata of a file of ours.
pub const VGG19_CAFFE: [(&str, &str); 2] = [("model", "vgg19"), ("preprocessing", "caffe")];

/// Small values without a pattern, the same for the same seed: a multiplicative congruential
/// generator is enough.
pub fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5) * 0.2
        })
        .collect()
}

/// A layer's seeded kernel (OIHW) and bias.
pub fn layer_values(layer: Layer) -> (Vec<f32>, Vec<f32>) {
    let seed = u64::from(layer.block) * 10 + u64::from(layer.conv);
    let kernel = noise(seed, layer.outputs() * layer.inputs() * 9);
    (kernel, noise(seed + 1000, layer.outputs()))
}

/// The seeded layers of a network down to `deepest`, as tensors with our names.
pub fn network(
    model: Model,
    deepest: Layer,
    make: fn(&str, &[usize], &[f32]) -> Tensor,
) -> Vec<Tensor> {
    named_network(model, deepest, make, |layer| layer.to_string())
}

/// The same with torchvision's names.
pub fn torchvision_network(model: Model, deepest: Layer) -> Vec<Tensor> {
    named_network(model, deepest, Tensor::f32, |layer| {
        format!("features.{}", model.torchvision_index(layer))
    })
}

fn named_network(
    model: Model,
    deepest: Layer,
    make: fn(&str, &[usize], &[f32]) -> Tensor,
    name: impl Fn(Layer) -> String,
) -> Vec<Tensor> {
    model
        .layers_to(deepest)
        .flat_map(|layer| {
            let (kernel, bias) = layer_values(layer);
            let (o, i) = (layer.outputs(), layer.inputs());
            let name = name(layer);
            [
                make(&format!("{name}.weight"), &[o, i, 3, 3], &kernel),
                make(&format!("{name}.bias"), &[o], &bias),
            ]
        })
        .collect()
}

pub fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

/// Keeps what it hears.
#[derive(Default)]
pub struct Heard(Mutex<Vec<Notice>>);

impl Heard {
    pub fn notices(&self) -> Vec<Notice> {
        self.0.lock().unwrap().clone()
    }
}

impl Report for Heard {
    fn notice(&self, notice: &Notice) {
        self.0.lock().unwrap().push(notice.clone());
    }
}
