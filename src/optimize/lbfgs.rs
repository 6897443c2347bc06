mod memory;

use burn::tensor::Tensor;

use crate::device::read;
use crate::kernels::{combination, curvature_pair, sum};
use memory::{Direction, Memory};

/// Share of the promised decrease that a step must keep (Nocedal and Wright 2006, equation 3.4).
const ARMIJO: f32 = 1e-4;
/// Largest mean move of a pixel in the first step, when there is no curvature to go by.
const FIRST_MOVE: f64 = 0.02;
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
    memory: Memory,
    base: Option<Base>,
    trust: f32,
}

/// The last accepted picture, its gradient without what would push a pixel out of [0, 1], and the trial that
/// leaves it.
#[derive(Clone, Debug)]
struct Base {
    x: Tensor<4>,
    gradient: Tensor<4>,
    total: f32,
    direction: Direction,
    length: f32,
    shrinks: u32,
}

/// Against the plain gradient, by a small move.
fn first(gradient: &Tensor<4>) -> Direction {
    let size: f64 = read(sum(&gradient.clone().abs())).iter::<f64>().sum();
    let mean = size / gradient.shape().num_elements() as f64;
    Direction::along(-FIRST_MOVE / mean.max(f32::MIN_POSITIVE.into()))
}

impl Lbfgs {
    /// No memory yet, room for `history` updates.
    pub fn new(history: usize) -> Self {
        Self {
            memory: Memory::new(history),
            base: None,
            trust: 1.0,
        }
    }

    /// The next picture to try, given the loss and gradient of `x`, the one tried last.
    pub fn update(&mut self, x: Tensor<4>, gradient: &Tensor<4>, total: f32) -> Tensor<4> {
        let Some(base) = self.base.take() else {
            let [gradient, ..] = curvature_pair([&x, gradient], [&x, gradient]);
            return self.leave(x, gradient, total);
        };
        let before = [&base.x, &base.gradient];
        let [gradient, s, y] = curvature_pair([&x, gradient], before);
        self.memory.measure(s, y, &gradient);
        let promised = self.memory.promised() as f32;
        // Rounding alone may keep the loss from falling near the minimum.
        let slack = base.total.abs() * f32::EPSILON;
        if total <= base.total + ARMIJO * promised.min(0.0) + slack {
            self.memory.accept();
            self.leave(x, gradient, total)
        } else {
            self.memory.refuse();
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
        self.memory.clear();
        self.base = None;
    }

    /// Accepts `x` and tries a step from it.
    fn leave(&mut self, x: Tensor<4>, gradient: Tensor<4>, total: f32) -> Tensor<4> {
        let direction = self.direction(&gradient);
        self.attempt(Base {
            x,
            gradient,
            total,
            direction,
            length: self.trust,
            shrinks: 0,
        })
    }

    /// The way down from the picture with this gradient, the one that was measured last.
    fn direction(&mut self, gradient: &Tensor<4>) -> Direction {
        self.memory.direction().unwrap_or_else(|| {
            self.memory.clear();
            first(gradient)
        })
    }

    fn shrink(&mut self, mut base: Base) -> Tensor<4> {
        base.length *= 0.5;
        base.shrinks += 1;
        if base.shrinks >= MAX_SHRINKS && self.memory.len() > 0 {
            self.memory.clear();
            base.direction = self.direction(&base.gradient);
            (base.length, base.shrinks) = (self.trust, 0);
        }
        self.attempt(base)
    }

    fn attempt(&mut self, base: Base) -> Tensor<4> {
        let length = base.length.into();
        let mut terms = self.memory.step(&base.direction, length, &base.gradient);
        terms.push((1.0, &base.x));
        let trial = combination(&terms);
        self.base = Some(base);
        trial
    }

    /// Everything it remembers, as named tensors and numbers, for a checkpoint. The direction follows
    /// from the rest.
    pub fn parts(&self) -> (Named<Tensor<4>>, Named<f64>) {
        let mut tensors = self.memory.parts();
        let mut numbers = vec![("lbfgs.trust".to_owned(), f64::from(self.trust))];
        if let Some(base) = &self.base {
            tensors.push(("lbfgs.base".to_owned(), base.x.clone()));
            tensors.push(("lbfgs.gradient".to_owned(), base.gradient.clone()));
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
        if let Some(x) = tensor("lbfgs.base") {
            let gradient = tensor("lbfgs.gradient")?;
            this.memory.restore(tensor, &gradient)?;
            this.base = Some(Base {
                x,
                direction: this.direction(&gradient),
                gradient,
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
    use std::collections::BTreeMap;

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
        assert!(lbfgs.memory.len() <= 3);
    }

    #[test]
    fn what_is_restored_goes_on_with_the_same_numbers() {
        let mut lbfgs = Lbfgs::new(3);
        let mut x = row([0.9, 0.1, 0.2, 0.0]);
        for k in 0..30 {
            let (tensors, numbers) = lbfgs.parts();
            let (mut tensors, numbers) =
                (BTreeMap::from_iter(tensors), BTreeMap::from_iter(numbers));
            let mut tensor = |name: &str| tensors.remove(name);
            let number = |name: &str| numbers.get(name).copied();
            let mut other = Lbfgs::restore(3, &mut tensor, &number).unwrap();
            let (total, gradient) = evaluate(&x);
            // Now and then a trial that is refused.
            let total = if k % 7 == 5 { total + 10.0 } else { total };
            let expected = lbfgs.update(x.clone(), &gradient, total);
            let found = other.update(x, &gradient, total);
            found.to_data().assert_eq(&expected.to_data(), true);
            assert!(tensors.is_empty(), "left over: {:?}", tensors.keys());
            x = expected;
        }
    }
}
