use std::collections::BTreeMap;

use burn::tensor::Tensor;

use super::wasserstein::Gaussian;
use super::{Guide, Moments, Normalisation, Region, Settings, StyleLoss, StyleSource, seen};
use crate::arch::Layer;
use crate::device::read;
use crate::kernels::{distance_and_slope, sum};
use crate::tiles::{Tiling, Window};
use crate::vgg::Vgg;

/// What the style pictures of one region look like at one layer.
#[derive(Debug)]
pub struct StyleTarget {
    layer: Layer,
    guide: Option<Guide>,
    share: f32,
    likeness: Likeness,
    factor: f32,
    blank: f32,
}

#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a handful of targets, made once and never moved about"
)]
enum Likeness {
    Gram(Tensor<2>),
    Gaussian(Box<Gaussian>),
}

impl StyleTarget {
    /// The targets of a region of a content picture of `[height, width]`, one for each layer.
    ///
    /// The moments of several style pictures are averaged: those of a picture made of all of them,
    /// each with its share of the area.
    pub fn of_region(
        settings: &Settings,
        region: &Region,
        size: [usize; 2],
        layers: &[Layer],
        vgg: &Vgg,
        tiling: Tiling,
    ) -> Vec<Self> {
        let mut sums = BTreeMap::new();
        for (source, share) in region.sources() {
            let [_, _, height, width] = source.image.dims();
            let guides = guides(source, [height, width], layers, vgg);
            for tile in tiling.of([height, width]) {
                vgg.visit(seen(&source.image, &tile), layers, |layer, features| {
                    let (guide, window) = (guides.get(&layer), tile.window(layer.halvings()));
                    let moments = Moments::of(features, &window, guide, settings.style_loss);
                    add(&mut sums, layer, moments.scaled(share));
                });
            }
        }
        let target = |(layer, moments): (Layer, Moments)| {
            let size = size.map(|length| length >> layer.halvings());
            let guide = region.mask.map(|m| Guide::new(m, size, &vgg.device()));
            Self::new(layer, moments, guide, region.share, settings)
        };
        sums.into_iter().map(target).collect()
    }

    fn new(
        layer: Layer,
        moments: Moments,
        guide: Option<Guide>,
        share: f32,
        settings: &Settings,
    ) -> Self {
        let balanced = settings.normalisation == Normalisation::Balanced;
        let (likeness, size, paper) = if let Some(mean) = moments.mean {
            let gaussian = Gaussian::new(moments.second, mean);
            let size = gaussian.size();
            (Likeness::Gaussian(Box::new(gaussian)), size, 1.0)
        } else {
            let size = size(moments.second.clone());
            let channels = layer.outputs() as f32;
            let paper = 0.25 / channels.powi(2);
            (Likeness::Gram(moments.second), size, paper)
        };
        let factor = if balanced { per_size(size) } else { paper };
        Self {
            layer,
            guide,
            share,
            likeness,
            factor,
            blank: factor * size,
        }
    }

    /// The layer it belongs to.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// The style loss of features that are all zero, times the region's share.
    pub fn blank(&self) -> f32 {
        self.blank * self.share
    }

    /// What a tile of the content picture adds to the moments of the region.
    pub fn moments(&self, features: &Tensor<4>, window: &Window) -> Moments {
        let loss = match &self.likeness {
            Likeness::Gram(_) => StyleLoss::Gram,
            Likeness::Gaussian(_) => StyleLoss::Wasserstein,
        };
        Moments::of(features, window, self.guide.as_ref(), loss)
    }

    /// What takes a squared distance to a style loss, times the region's share.
    pub fn factor(&self) -> f32 {
        self.factor * self.share
    }

    /// The squared distance of the region's moments, in parts that are still to be added up, and the
    /// gradient of its style loss, times `weight`. Nothing is derived through it.
    pub fn distance(&self, moments: &Moments, weight: f32) -> (Tensor<1>, Moments) {
        let moments = moments.clone().inner();
        let weight = weight * self.factor();
        match &self.likeness {
            Likeness::Gram(target) => {
                let (distance, second) = distance_and_slope(&moments.second, target, weight);
                (distance, Moments { second, mean: None })
            }
            Likeness::Gaussian(target) => target.distance(moments, weight),
        }
    }
}

/// The guides of a style picture of `[height, width]` with a mask, one for each layer.
fn guides(
    source: &StyleSource,
    size: [usize; 2],
    layers: &[Layer],
    vgg: &Vgg,
) -> BTreeMap<Layer, Guide> {
    let Some(mask) = &source.style_mask else {
        return BTreeMap::new();
    };
    let guide = |&layer: &Layer| {
        let size = size.map(|length| length >> layer.halvings());
        (layer, Guide::new(mask, size, &vgg.device()))
    };
    layers.iter().map(guide).collect()
}

fn add(sums: &mut BTreeMap<Layer, Moments>, layer: Layer, moments: Moments) {
    let sum = match sums.remove(&layer) {
        Some(sum) => sum.plus(moments),
        None => moments,
    };
    sums.insert(layer, sum);
}

/// The sum of squares.
pub(super) fn size<const D: usize>(target: Tensor<D>) -> f32 {
    read(sum(&target.square())).iter::<f32>().sum()
}

/// 1 / a target's size, or 1 where there is none (a black picture may have no features to be
/// relative to).
pub(super) fn per_size(size: f32) -> f32 {
    if size.is_normal() { size.recip() } else { 1.0 }
}
