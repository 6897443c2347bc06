use std::collections::VecDeque;

use burn::tensor::Tensor;

use crate::kernels::sum;

/// Share of the promised decrease that a step must keep (Nocedal and Wright 2006, equation 3.4).
const ARMIJO: f32 = 1e-4;
/// Least curvature s.y / y.y of a remembered update, relative: below it the update is noise.
const CURVATURE: f32 = 1e-10;
/// Largest mean move of a pixel in the first step, when there is no curvature to go by.
const FIRST_MOVE: f32 = 0.02;
/// A trial shrunk this often without success starts again from the plain gradient.
const MAX_SHRINKS: u32 = 5;

/// Things with names.
type Named<T> = Vec<(String, T)>;

/// L-BFGS on the pixels in the box [0, 1] (Nocedal and Wright 2006, algorithm 7.4), with a bounded
/// memory and backtracking, so that the loss of what it accepted never rises.
///
/// Every call takes one evaluation: a trial that did not lower the loss enough is shortened and
/// tried again. burn's own keeps 100 updates and takes a closure that evaluates several times a
/// step, which a loop that can be stopped and resumed at every step cannot give.
#[derive(Clone, Debug)]
pub struct Lbfgs {
    history: usize,
    pairs: VecDeque<Pair>,
    base: Option<Base>,
    trust: f32,
}

/// One remembered update.
#[derive(Clone, Debug)]
struct Pair {
    /// Move of the picture.
    s: Tensor<4>,
    /// Change of the gradient.
    y: Tensor<4>,
    /// s.y
    product: f32,
}

/// The last accepted picture and the trial that leaves it.
#[derive(Clone, Debug)]
struct Base {
    x: Tensor<4>,
    gradient: Tensor<4>,
    total: f32,
    direction: Tensor<4>,
    length: f32,
    shrinks: u32,
}

fn dot(a: &Tensor<4>, b: &Tensor<4>) -> f32 {
    sum(a.clone() * b.clone()).into_scalar()
}

/// The gradient without what would push a pixel out of [0, 1].
fn projected(x: &Tensor<4>, gradient: &Tensor<4>) -> Tensor<4> {
    let low = x.clone().lower_equal_elem(0.0);
    let down = gradient.clone().greater_elem(0.0);
    let high = x.clone().greater_equal_elem(1.0);
    let up = gradient.clone().lower_elem(0.0);
    let stuck = low.bool_and(down).bool_or(high.bool_and(up));
    gradient.clone().mask_fill(stuck, 0.0)
}

impl Lbfgs {
    /// No memory yet, room for `history` updates.
    pub fn new(history: usize) -> Self {
        Self {
            history,
            pairs: VecDeque::new(),
            base: None,
            trust: 1.0,
        }
    }

    /// The next picture to try, given the loss and gradient of `x`, the one tried last.
    pub fn update(&mut self, x: Tensor<4>, gradient: &Tensor<4>, total: f32) -> Tensor<4> {
        let gradient = projected(&x, gradient);
        let Some(base) = self.base.take() else {
            return self.leave(x, gradient, total);
        };
        let moved = x.clone() - base.x.clone();
        let promised = dot(&base.gradient, &moved);
        // Rounding alone may keep the loss from falling near the minimum.
        let slack = base.total.abs() * f32::EPSILON;
        if total <= base.total + ARMIJO * promised.min(0.0) + slack {
            self.remember(moved, gradient.clone() - base.gradient);
            self.leave(x, gradient, total)
        } else {
            self.shrink(base)
        }
    }

    /// The best picture so far.
    pub fn accepted(&self) -> Option<&Tensor<4>> {
        self.base.as_ref().map(|base| &base.x)
    }

    /// Forgets everything but halves every step from now on.
    pub fn halve(&mut self) {
        self.forget();
        self.trust *= 0.5;
    }

    /// Forgets the updates: at another scale they are of another picture.
    pub fn forget(&mut self) {
        self.pairs.clear();
        self.base = None;
    }

    fn remember(&mut self, s: Tensor<4>, y: Tensor<4>) {
        let product = dot(&s, &y);
        if product <= CURVATURE * dot(&y, &y) {
            return;
        }
        if self.pairs.len() == self.history {
            self.pairs.pop_front();
        }
        self.pairs.push_back(Pair { s, y, product });
    }

    /// Accepts `x` and tries a step from it.
    fn leave(&mut self, x: Tensor<4>, gradient: Tensor<4>, total: f32) -> Tensor<4> {
        let mut direction = self.direction(&gradient);
        if dot(&direction, &gradient) >= 0.0 {
            self.pairs.clear();
            direction = self.direction(&gradient);
        }
        let base = Base {
            x,
            gradient,
            total,
            direction,
            length: self.trust,
            shrinks: 0,
        };
        self.attempt(base)
    }

    fn shrink(&mut self, mut base: Base) -> Tensor<4> {
        base.length *= 0.5;
        base.shrinks += 1;
        if base.shrinks >= MAX_SHRINKS && !self.pairs.is_empty() {
            self.pairs.clear();
            base.direction = self.direction(&base.gradient);
            (base.length, base.shrinks) = (self.trust, 0);
        }
        self.attempt(base)
    }

    fn attempt(&mut self, base: Base) -> Tensor<4> {
        let step = base.direction.clone().mul_scalar(base.length);
        let trial = (base.x.clone() + step).clamp(0.0, 1.0);
        self.base = Some(base);
        trial
    }

    /// -H g by the two-loop recursion, or the plain gradient scaled to a small move.
    fn direction(&self, gradient: &Tensor<4>) -> Tensor<4> {
        let Some(last) = self.pairs.back() else {
            let size: f32 = sum(gradient.clone().abs()).into_scalar();
            let mean = size / gradient.shape().num_elements() as f32;
            return gradient
                .clone()
                .mul_scalar(-FIRST_MOVE / mean.max(f32::MIN_POSITIVE));
        };
        let mut q = gradient.clone();
        let mut factors = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let factor = dot(&pair.s, &q) / pair.product;
            q = q - pair.y.clone().mul_scalar(factor);
            factors.push(factor);
        }
        let mut r = q.mul_scalar(last.product / dot(&last.y, &last.y));
        for (pair, factor) in self.pairs.iter().zip(factors.into_iter().rev()) {
            let other = dot(&pair.y, &r) / pair.product;
            r = r + pair.s.clone().mul_scalar(factor - other);
        }
        r.neg()
    }

    /// Everything it remembers, as named tensors and numbers, for a checkpoint.
    pub fn parts(&self) -> (Named<Tensor<4>>, Named<f64>) {
        let mut tensors = Vec::new();
        let mut numbers = vec![("lbfgs.trust".to_owned(), f64::from(self.trust))];
        for (k, pair) in self.pairs.iter().enumerate() {
            tensors.push((format!("lbfgs.s.{k}"), pair.s.clone()));
            tensors.push((format!("lbfgs.y.{k}"), pair.y.clone()));
            numbers.push((format!("lbfgs.product.{k}"), f64::from(pair.product)));
        }
        if let Some(base) = &self.base {
            tensors.push(("lbfgs.base".to_owned(), base.x.clone()));
            tensors.push(("lbfgs.gradient".to_owned(), base.gradient.clone()));
            tensors.push(("lbfgs.direction".to_owned(), base.direction.clone()));
            numbers.push(("lbfgs.total".to_owned(), f64::from(base.total)));
            numbers.push(("lbfgs.length".to_owned(), f64::from(base.length)));
            numbers.push(("lbfgs.shrinks".to_owned(), f64::from(base.shrinks)));
        }
        (tensors, numbers)
    }

    /// Puts back what [`Self::parts`] gave, or `None` if something is missing.
    pub fn restore(
        history: usize,
        tensor: &mut dyn FnMut(&str) -> Option<Tensor<4>>,
        number: &dyn Fn(&str) -> Option<f64>,
    ) -> Option<Self> {
        let mut this = Self::new(history);
        this.trust = number("lbfgs.trust")? as f32;
        for k in 0..history {
            let Some(product) = number(&format!("lbfgs.product.{k}")) else {
                break;
            };
            this.pairs.push_back(Pair {
                s: tensor(&format!("lbfgs.s.{k}"))?,
                y: tensor(&format!("lbfgs.y.{k}"))?,
                product: product as f32,
            });
        }
        if let Some(x) = tensor("lbfgs.base") {
            this.base = Some(Base {
                x,
                gradient: tensor("lbfgs.gradient")?,
                direction: tensor("lbfgs.direction")?,
                total: number("lbfgs.total")? as f32,
                length: number("lbfgs.length")? as f32,
                shrinks: number("lbfgs.shrinks")? as u32,
            });
        }
        Some(this)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// f = 1/2 sum a (x - c)^2, badly scaled, its minimum inside the box but for one pixel.
    const A: [f32; 4] = [100.0, 1.0, 10.0, 0.1];
    const C: [f32; 4] = [0.3, 0.8, 1.5, 0.6];

    fn row(values: [f32; 4]) -> Tensor<4> {
        Tensor::from_floats([[[values]]], &Device::flex())
    }

    fn evaluate(x: &Tensor<4>) -> (f32, Tensor<4>) {
        let away = x.clone() - row(C);
        let gradient = away.clone() * row(A);
        let total: f32 = (away * gradient.clone()).sum().into_scalar();
        (total / 2.0, gradient)
    }

    #[test]
    fn a_badly_scaled_parabola_is_solved_within_the_box() {
        let mut lbfgs = Lbfgs::new(10);
        let mut x = row([0.9, 0.1, 0.2, 0.0]);
        for _ in 0..40 {
            let (total, gradient) = evaluate(&x);
            x = lbfgs.update(x, &gradient, total);
        }
        let best: Vec<f32> = lbfgs.accepted().unwrap().to_data().iter().collect();
        for (found, expected) in best.iter().zip([0.3, 0.8, 1.0, 0.6]) {
            assert!((found - expected).abs() < 1e-3, "{best:?}");
        }
    }

    #[test]
    fn what_is_accepted_never_rises_even_on_a_lying_gradient() {
        let mut lbfgs = Lbfgs::new(3);
        let mut x = row([0.9, 0.1, 0.2, 0.0]);
        let mut lowest = f32::INFINITY;
        for k in 0..60 {
            let (total, gradient) = evaluate(&x);
            let lie = if k % 3 == 0 { -1.0 } else { 1.0 };
            x = lbfgs.update(x, &gradient.mul_scalar(lie), total);
            let (accepted, _) = evaluate(lbfgs.accepted().unwrap());
            assert!(accepted <= lowest * (1.0 + 1e-5), "step {k}: {accepted}");
            lowest = lowest.min(accepted);
        }
        assert!(lbfgs.pairs.len() <= 3);
    }
}
