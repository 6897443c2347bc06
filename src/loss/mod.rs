//! What the picture is asked for: the content, style and total loss of Gatys et al. (2016).

mod content;
mod guide;
mod inverse;
mod layer_weight;
mod measured;
mod moments;
mod region;
mod settings;
mod strength;
mod style;
mod terms;
mod transport;
mod variation;
mod wasserstein;

use std::collections::BTreeMap;

use burn::tensor::{Tensor, s};

pub use layer_weight::{LayerWeight, UnknownLayerWeight};
pub use measured::Measured;
pub use settings::{Normalisation, Settings, StyleLoss};
pub use strength::strength;
pub use terms::{LossTerms, Terms};
pub use variation::total_variation;

pub use crate::kernels::gram;

use content::ContentTarget;
use guide::Guide;
use moments::{Moments, owned};
use region::Region;
use style::StyleTarget;

use crate::arch::Layer;
use crate::picture::Mask;
use crate::tiles::{Area, Tile, Tiling, Window};
use crate::vgg::{Features, Vgg};

/// total = alpha * content + beta * style + tv * total variation, against fixed targets.
#[derive(Debug)]
pub struct Objective {
    alpha: f32,
    beta: f32,
    tv: f32,
    blank: f32,
    content: Vec<(f32, ContentTarget)>,
    style: Vec<StyleLayer>,
}

/// The targets of every region at one layer.
#[derive(Debug)]
struct StyleLayer {
    layer: Layer,
    weight: f32,
    regions: Vec<StyleTarget>,
}

/// A style picture on the device and where it counts.
#[derive(Clone, Debug)]
pub struct StyleSource {
    /// `[1, 3, height, width]`, sRGB in [0, 1].
    pub image: Tensor<4>,
    /// Its share among the sources of the same region, above 0.
    pub weight: f32,
    /// Where in the content picture it counts: everywhere if none.
    pub content_mask: Option<Mask>,
    /// The part of the style picture that counts: all of it if none.
    pub style_mask: Option<Mask>,
}

impl From<Tensor<4>> for StyleSource {
    fn from(image: Tensor<4>) -> Self {
        Self {
            image,
            weight: 1.0,
            content_mask: None,
            style_mask: None,
        }
    }
}

impl Objective {
    /// Computes every target once, by tiles: the content picture is `[1, 3, height, width]`, sRGB
    /// in [0, 1].
    ///
    /// No mask may be [empty](Mask::is_empty).
    pub fn new(
        settings: &Settings,
        content: &Tensor<4>,
        styles: &[StyleSource],
        vgg: &Vgg,
        tiling: Tiling,
    ) -> Self {
        let [_, _, height, width] = content.dims();
        let features = by_tiles(content, &counted(&settings.content_layers), vgg, tiling);
        let content = features.into_iter().map(|(layer, features)| {
            let target = ContentTarget::new(layer, features, settings.normalisation);
            (weight(&settings.content_layers, layer), target)
        });
        let layers = counted(&settings.style_layers);
        let mut style: Vec<StyleLayer> = Vec::new();
        for region in Region::all(styles) {
            let size = [height, width];
            let targets = StyleTarget::of_region(settings, &region, size, &layers, vgg, tiling);
            for target in targets {
                let layer = target.layer();
                match style.iter_mut().find(|style| style.layer == layer) {
                    Some(style) => style.regions.push(target),
                    None => style.push(StyleLayer {
                        layer,
                        weight: weight(&settings.style_layers, layer),
                        regions: vec![target],
                    }),
                }
            }
        }
        let content: Vec<_> = content.collect();
        let blank_content = weighted(content.iter().map(|(weight, t)| (*weight, t.blank())));
        let blank_style = weighted(style.iter().map(|s| (s.weight, s.blank())));
        Self {
            alpha: settings.alpha,
            beta: settings.beta,
            tv: settings.tv,
            blank: settings.alpha * blank_content + settings.beta * blank_style,
            content,
            style,
        }
    }

    /// The total loss of a picture in which the network finds nothing at all: every feature is
    /// zero. With balanced losses it is alpha + beta, unless a target has no features either.
    pub fn blank(&self) -> f32 {
        self.blank
    }

    /// Every layer the losses look at.
    pub fn layers(&self) -> Vec<Layer> {
        let content = self.content.iter().map(|(_, target)| target.layer());
        let style = self.style.iter().map(|style| style.layer);
        content.chain(style).collect()
    }

    /// What a tile adds to the losses: `x` is the picture as the tile sees it.
    ///
    /// # Panics
    ///
    /// If the network has no weights for one of [`Objective::layers`], or is too deep for the tile.
    pub fn measure(&self, vgg: &Vgg, x: &Tensor<4>, tile: &Tile) -> Measured {
        let (mut content, mut style) = (BTreeMap::new(), BTreeMap::new());
        vgg.visit(x.clone(), &self.layers(), |layer, map| {
            let window = tile.window(layer.halvings());
            let targets = self.content.iter().map(|(_, target)| target);
            for target in targets.filter(|target| target.layer() == layer) {
                content.insert(layer, target.distance(map, &window));
            }
            for target in self.style.iter().filter(|style| style.layer == layer) {
                style.insert(layer, target.moments(map, &window));
            }
        });
        // Without a weight it is only reported: nothing to derive.
        let x = if self.tv > 0.0 {
            x.clone()
        } else {
            x.clone().detach()
        };
        Measured {
            content: content.into_values().collect(),
            style: style.into_values().collect(),
            tv: total_variation(x, &tile.window(0)),
        }
    }

    /// The losses of a picture, from what was measured of all its tiles, and the gradient of the
    /// total with respect to that.
    pub fn terms(&self, measured: &Measured) -> (Terms<'_>, Measured) {
        let number = |x: f32| Tensor::from_floats([x], &measured.tv.clone().inner().device());
        let alpha = self.alpha / self.content.iter().map(|(weight, _)| weight).sum::<f32>();
        let content = self.content.iter();
        let content = content.map(|(weight, target)| number(alpha * weight * target.factor()));
        let beta = self.beta / self.style.iter().map(|style| style.weight).sum::<f32>();
        let style = self.style.iter().zip(&measured.style);
        let style = style.map(|(style, moments)| style.distances(moments, beta * style.weight));
        let (distances, slopes): (Vec<_>, Vec<_>) = style.unzip();
        let content_distances = measured.content.iter().cloned().map(Tensor::inner);
        let numbers = content_distances.chain(distances.into_iter().flatten());
        let terms = Terms {
            objective: self,
            numbers: numbers.chain([measured.tv.clone().inner()]).collect(),
        };
        let slopes = Measured {
            content: content.collect(),
            style: slopes,
            tv: number(self.tv),
        };
        (terms, slopes)
    }

    /// The losses, from the numbers of [`Terms`].
    fn losses(&self, numbers: impl Iterator<Item = f64>) -> LossTerms {
        let mut numbers = numbers.map(|number| number as f32);
        let content = self.content.iter().zip(numbers.by_ref());
        let content = weighted(content.map(|((weight, t), number)| (*weight, t.factor() * number)));
        let style = self.style.iter();
        let style = style.map(|s| (s.weight, s.loss(&mut numbers)));
        let style: Vec<_> = style.collect();
        let layers = self.style.iter().zip(&style);
        let layers = layers.map(|(s, &(_, loss))| (s.layer, loss)).collect();
        let style = weighted(style.into_iter());
        let tv = numbers.next().expect("the last is the total variation");
        LossTerms {
            content,
            layers,
            style,
            tv,
            total: self.alpha * content + self.beta * style + self.tv * tv,
        }
    }
}

impl StyleLayer {
    /// What a tile adds to the moments of every region.
    fn moments(&self, map: &Tensor<4>, window: &Window) -> Vec<Moments> {
        let regions = self.regions.iter();
        regions.map(|target| target.moments(map, window)).collect()
    }

    /// The loss of features that are all zero.
    fn blank(&self) -> f32 {
        self.regions.iter().map(StyleTarget::blank).sum()
    }

    /// The squared distance of each region, and the gradients of the losses times `weight`.
    fn distances(&self, moments: &[Moments], weight: f32) -> (Vec<Tensor<1>>, Vec<Moments>) {
        let regions = self.regions.iter().zip(moments);
        regions
            .map(|(target, m)| target.distance(m, weight))
            .unzip()
    }

    /// The mean of the regions' losses by their shares, from their squared distances.
    fn loss(&self, distances: &mut impl Iterator<Item = f32>) -> f32 {
        let losses = self.regions.iter().zip(distances);
        losses
            .map(|(target, distance)| target.factor() * distance)
            .sum()
    }
}

/// The features of a whole picture, put together from those of its tiles.
fn by_tiles(image: &Tensor<4>, layers: &[Layer], vgg: &Vgg, tiling: Tiling) -> Features {
    let [_, _, height, width] = image.dims();
    let mut whole = Features::new();
    for tile in tiling.of([height, width]) {
        for (layer, features) in vgg.features(seen(image, &tile), layers) {
            let window = tile.window(layer.halvings());
            if window.is_whole {
                whole.insert(layer, features);
                continue;
            }
            let [rows, columns] = window.map;
            let own = owned(&features, &window);
            let map = whole.remove(&layer).unwrap_or_else(|| {
                Tensor::zeros([1, layer.outputs(), rows, columns], &own.device())
            });
            let Area { rows, columns } = window.owned;
            whole.insert(layer, map.slice_assign(s![.., .., rows, columns], own));
        }
    }
    whole
}

/// The part of a picture that a tile sees.
pub fn seen(image: &Tensor<4>, tile: &Tile) -> Tensor<4> {
    if tile.is_whole() {
        return image.clone();
    }
    let Area { rows, columns } = tile.seen.clone();
    image.clone().slice(s![.., .., rows, columns])
}

/// The layers that count.
fn counted(layers: &[LayerWeight]) -> Vec<Layer> {
    let counted = layers.iter().filter(|l| l.weight > 0.0);
    counted.map(|l| l.layer).collect()
}

/// The weight of a layer, 0 where it is not named.
fn weight(layers: &[LayerWeight], layer: Layer) -> f32 {
    let found = layers.iter().find(|l| l.layer == layer);
    found.map_or(0.0, |l| l.weight)
}

/// The mean of numbers by their weights.
fn weighted(losses: impl Iterator<Item = (f32, f32)>) -> f32 {
    let (sum, weights) = losses.fold((0.0, 0.0), |(sum, weights), (weight, loss)| {
        (sum + weight * loss, weights + weight)
    });
    sum / weights
}
