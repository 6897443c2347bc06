use burn::tensor::{Gradients, Tensor};

use super::Moments;
use crate::kernels;

/// What the losses look at, of a tile or of a whole picture: that of a picture is the sum over its
/// tiles.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Content loss of each content layer, unweighted.
    pub(super) content: Vec<Tensor<1>>,
    /// Moments of each region of each style layer.
    pub(super) style: Vec<Vec<Moments>>,
    /// Total variation.
    pub(super) tv: Tensor<1>,
}

/// Something done to every number that is measured.
trait Change {
    fn change<const D: usize>(&mut self, x: Tensor<D>) -> Tensor<D>;
}

/// Makes leaves of a graph, to be derived by.
struct Leaves;

impl Change for Leaves {
    fn change<const D: usize>(&mut self, x: Tensor<D>) -> Tensor<D> {
        x.autodiff().require_grad()
    }
}

/// Takes the gradient of every leaf: zero where nothing depends on it.
struct Slopes<'a>(&'a mut Gradients);

impl Change for Slopes<'_> {
    fn change<const D: usize>(&mut self, x: Tensor<D>) -> Tensor<D> {
        let gradient = x.grad_remove(self.0);
        gradient.unwrap_or_else(|| x.inner().zeros_like())
    }
}

impl Measured {
    /// The sum of what two tiles measure.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let content = self.content.into_iter().zip(other.content);
        let regions = |(a, b): (Vec<Moments>, Vec<Moments>)| {
            a.into_iter().zip(b).map(|(a, b)| a.plus(b)).collect()
        };
        Self {
            content: content.map(|(a, b)| a + b).collect(),
            style: self
                .style
                .into_iter()
                .zip(other.style)
                .map(regions)
                .collect(),
            tv: self.tv + other.tv,
        }
    }

    /// The same numbers as leaves, to be derived by.
    #[must_use]
    pub fn leaves(self) -> Self {
        self.changed(&mut Leaves)
    }

    /// The gradients of something with respect to these leaves.
    #[must_use]
    pub fn slopes(self, gradients: &mut Gradients) -> Self {
        self.changed(&mut Slopes(gradients))
    }

    fn changed(self, change: &mut impl Change) -> Self {
        let mut moments = |m: Moments| Moments {
            second: change.change(m.second),
            mean: m.mean.map(|mean| change.change(mean)),
        };
        let style = self
            .style
            .into_iter()
            .map(|regions| regions.into_iter().map(&mut moments).collect())
            .collect();
        let content = self.content.into_iter().map(|x| change.change(x)).collect();
        let tv = change.change(self.tv);
        Self { content, style, tv }
    }

    /// The sum of the products of all numbers with these slopes: what changes as the loss does.
    pub fn along(&self, slopes: &Self) -> Tensor<1> {
        let content = self.content.iter().zip(&slopes.content);
        let mut sum = product(&self.tv, &slopes.tv);
        for (x, slope) in content {
            sum = sum + product(x, slope);
        }
        let mine = self.style.iter().flatten();
        for (x, slope) in mine.zip(slopes.style.iter().flatten()) {
            sum = sum + product(&x.second, &slope.second);
            if let Some((x, slope)) = x.mean.as_ref().zip(slope.mean.as_ref()) {
                sum = sum + product(x, slope);
            }
        }
        sum
    }
}

fn product<const D: usize>(x: &Tensor<D>, slope: &Tensor<D>) -> Tensor<1> {
    kernels::sum(x.clone() * slope.clone())
}
