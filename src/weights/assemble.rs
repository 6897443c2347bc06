//! From a file's tensors to a network's weights, with every check on the way.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::arch::{Layer, Model};

use super::container::{Container, Dtype};
use super::naming::Naming;
use super::{Convolution, Fault, Origin, Place, Preprocessing, Weights, WeightsError};

/// Checks and reads a network from the picture down to `deepest`.
pub(super) fn assemble(
    container: &dyn Container,
    place: Place,
    model: Model,
    deepest: Layer,
) -> Result<Weights, WeightsError> {
    if !model.has(deepest) {
        let layer = deepest;
        return Err(WeightsError::NoSuchLayer { model, layer });
    }
    let file = place.to_string();
    let naming = identify(container, &file)?;
    check_model(container, naming, &file, model)?;
    let (preprocessing, mut faults) = match preprocessing(container, naming) {
        Ok(preprocessing) => (Some(preprocessing), Vec::new()),
        Err(fault) => (None, vec![fault]),
    };
    let layers: Vec<_> = model.layers_to(deepest).collect();
    let plans: Vec<_> = layers
        .into_iter()
        .map(|layer| LayerPlan::new(container, naming, model, layer))
        .collect();
    faults.extend(plans.iter().flat_map(|plan| plan.check(container, naming)));
    let (Some(preprocessing), []) = (preprocessing, faults.as_slice()) else {
        return Err(WeightsError::Faulty { file, faults });
    };
    let convolutions = read(container, naming, plans, &file)?;
    let said = |key| container.metadata(key).map(str::to_owned);
    Ok(Weights {
        model,
        preprocessing,
        convolutions,
        origin: Origin {
            source: said("source"),
            licence: said("licence"),
            place,
        },
    })
}

/// The file's naming convention, or an error that says what the file seems to be.
pub(super) fn identify(container: &dyn Container, file: &str) -> Result<Naming, WeightsError> {
    let entries = container.entries();
    let unreadable = |fault: String| WeightsError::Unreadable {
        file: file.to_owned(),
        fault,
    };
    let is_batch_norm =
        |name: &String| name.starts_with("features.") && name.ends_with("running_mean");
    if entries.keys().any(is_batch_norm) {
        return Err(unreadable(
            "a VGG with batch normalisation; only the plain vgg16 and vgg19 serve".to_owned(),
        ));
    }
    Naming::detect(entries).ok_or_else(|| {
        let mut some: Vec<_> = entries.keys().take(3).map(String::as_str).collect();
        if entries.len() > some.len() {
            some.push("…");
        }
        unreadable(format!(
            "no VGG16 or VGG19: of its {} tensors ({}) none is named block1_conv1.weight, \
             features.0.weight or block1_conv1/…/kernel:0",
            entries.len(),
            some.join(", "),
        ))
    })
}

/// The file must not be the other network, by its metadata or by its layers.
fn check_model(
    container: &dyn Container,
    naming: Naming,
    file: &str,
    asked: Model,
) -> Result<(), WeightsError> {
    match model_of(container, naming, file)? {
        Some(found) if found != asked => Err(WeightsError::WrongModel {
            file: file.to_owned(),
            found,
            asked,
        }),
        _ => Ok(()),
    }
}

/// The network in the file: as its metadata says, else as its layers show.
pub(super) fn model_of(
    container: &dyn Container,
    naming: Naming,
    file: &str,
) -> Result<Option<Model>, WeightsError> {
    if let Some(said) = container.metadata("model") {
        return said
            .parse()
            .map(Some)
            .map_err(|unknown| WeightsError::Faulty {
                file: file.to_owned(),
                faults: vec![Fault::Unknown(unknown)],
            });
    }
    Ok(naming.model(container.entries()))
}

fn preprocessing(container: &dyn Container, naming: Naming) -> Result<Preprocessing, Fault> {
    match container.metadata("preprocessing") {
        Some(said) => Ok(said.parse()?),
        None => naming.preprocessing().ok_or(Fault::NoPreprocessing),
    }
}

/// The tensors that make one layer.
struct LayerPlan {
    layer: Layer,
    weight: String,
    bias: String,
    /// A factor per output channel, when the kernel is 8-bit.
    scale: Option<String>,
}

impl LayerPlan {
    fn new(container: &dyn Container, naming: Naming, model: Model, layer: Layer) -> Self {
        let entries = container.entries();
        let (weight, bias) = naming.tensors(model, layer, entries);
        let quantised =
            naming == Naming::Ours && entries.get(&weight).is_some_and(|e| e.dtype == Dtype::I8);
        let scale = quantised.then(|| format!("{layer}.scale"));
        Self {
            layer,
            weight,
            bias,
            scale,
        }
    }

    /// Everything wrong with the description of the layer's tensors.
    fn check(&self, container: &dyn Container, naming: Naming) -> Vec<Fault> {
        let entries = container.entries();
        let kernel = naming.kernel_shape(self.layer);
        let channels = vec![self.layer.outputs()];
        let wanted = [
            (Some(&self.weight), kernel, self.scale.is_some()),
            (Some(&self.bias), channels.clone(), false),
            (self.scale.as_ref(), channels, false),
        ];
        let mut faults = Vec::new();
        for (name, expected, quantised) in wanted {
            let Some(name) = name else { continue };
            let Some(entry) = entries.get(name) else {
                faults.push(Fault::Missing(name.clone()));
                continue;
            };
            if entry.shape != expected {
                faults.push(Fault::Shape {
                    name: name.clone(),
                    found: entry.shape.clone(),
                    expected,
                });
            }
            let float = matches!(entry.dtype, Dtype::F32 | Dtype::F16 | Dtype::Bf16);
            if !float && !quantised {
                faults.push(Fault::Dtype {
                    name: name.clone(),
                    found: entry.dtype.to_string(),
                    expected: "F32, F16 or BF16",
                });
            }
        }
        faults
    }

    /// Reads and converts the layer. The faults of a checked layer are in its values.
    fn read(&self, container: &dyn Container, naming: Naming) -> Result<Convolution, ReadFault> {
        let mut faults = Vec::new();
        let mut values = |name: &str| -> Result<Vec<f32>, ReadFault> {
            let values = container
                .read(name)
                .map_err(|why| ReadFault::Broken(format!("{name} {why}")))?;
            let count = values.iter().filter(|v| !v.is_finite()).count();
            if count > 0 {
                let name = name.to_owned();
                faults.push(Fault::NotFinite { name, count });
            }
            Ok(values)
        };
        let mut weight = values(&self.weight)?;
        let bias = values(&self.bias)?;
        if let Some(scale) = &self.scale {
            let scale = values(scale)?;
            let per_output = 9 * self.layer.inputs();
            for (kernel, factor) in weight.chunks_exact_mut(per_output).zip(scale) {
                for weight in kernel {
                    *weight *= factor;
                }
            }
        }
        if faults.is_empty() {
            let weight = naming.to_oihw(self.layer, weight);
            Ok(Convolution { weight, bias })
        } else {
            Err(ReadFault::Values(faults))
        }
    }
}

enum ReadFault {
    /// The tensor's bytes cannot be had.
    Broken(String),
    /// The values cannot serve.
    Values(Vec<Fault>),
}

/// Reads all layers in parallel; the values' faults are gathered, a broken file ends it.
fn read(
    container: &dyn Container,
    naming: Naming,
    plans: Vec<LayerPlan>,
    file: &str,
) -> Result<BTreeMap<Layer, Convolution>, WeightsError> {
    let results: Vec<_> = plans
        .into_par_iter()
        .map(|plan| (plan.layer, plan.read(container, naming)))
        .collect();
    let mut convolutions = BTreeMap::new();
    let mut faults = Vec::new();
    for (layer, result) in results {
        match result {
            Ok(convolution) => {
                convolutions.insert(layer, convolution);
            }
            Err(ReadFault::Values(found)) => faults.extend(found),
            Err(ReadFault::Broken(fault)) => {
                let file = file.to_owned();
                return Err(WeightsError::Unreadable { file, fault });
            }
        }
    }
    if faults.is_empty() {
        Ok(convolutions)
    } else {
        let file = file.to_owned();
        Err(WeightsError::Faulty { file, faults })
    }
}
