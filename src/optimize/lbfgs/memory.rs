use std::collections::VecDeque;

use burn::tensor::Tensor;

use super::Named;
use crate::device::read;
use crate::kernels::dots;

/// Least curvature s.y / y.y of a remembered update, relative: below it the update is noise.
const CURVATURE: f64 = 1e-10;

/// The last updates of the picture, and the scalar products that -H g is made of.
///
/// With these on the host, both loops of the recursion run over numbers instead of pictures (Chen,
/// Wang and Zhou 2014, "Large-scale L-BFGS using MapReduce"): a step reads the device once.
#[derive(Clone, Debug)]
pub struct Memory {
    room: usize,
    updates: VecDeque<Update>,
    /// The square of the gradient that was measured last.
    square: f64,
}

/// One update of the picture.
#[derive(Clone, Debug)]
struct Update {
    /// Move of the picture.
    s: Tensor<4>,
    /// Change of the gradient.
    y: Tensor<4>,
    /// Products with this y of s and y of every older update, the oldest first, and of this one.
    with_y: VecDeque<[f64; 2]>,
    /// Products of s and y with the gradient that was measured last.
    with_gradient: [f64; 2],
}

impl Update {
    /// s.y and y.y
    fn curvature(&self) -> [f64; 2] {
        self.with_y[self.with_y.len() - 1]
    }
}

/// A linear combination of a gradient and the remembered updates.
#[derive(Clone, Debug)]
pub struct Direction {
    gradient: f64,
    /// Of s and y of each update, the oldest first.
    updates: Vec<[f64; 2]>,
}

impl Direction {
    /// So many times the gradient alone.
    pub fn along(gradient: f64) -> Self {
        Self {
            gradient,
            updates: Vec::new(),
        }
    }
}

impl Memory {
    /// Nothing yet, room for so many updates.
    pub fn new(room: usize) -> Self {
        Self {
            room,
            updates: VecDeque::new(),
            square: 0.0,
        }
    }

    /// How many updates there are.
    pub fn len(&self) -> usize {
        self.updates.len()
    }

    /// Forgets every update.
    pub fn clear(&mut self) {
        self.updates.clear();
    }

    /// Takes an update on trial, and measures all of them against its y and the gradient after it.
    pub fn measure(&mut self, s: Tensor<4>, y: Tensor<4>, gradient: &Tensor<4>) {
        let older = self
            .updates
            .iter()
            .flat_map(|update| [&update.s, &update.y]);
        let columns: Vec<_> = older.chain([&s, &y, gradient]).collect();
        let products = read(dots([&y, gradient], &columns));
        let products: Vec<_> = products.iter::<f64>().collect();
        let (of_updates, of_gradient) = products.as_chunks::<4>();
        self.square = of_gradient[1];
        self.updates.push_back(Update {
            s,
            y,
            with_y: of_updates.iter().map(|&[sy, _, yy, _]| [sy, yy]).collect(),
            with_gradient: [0.0; 2],
        });
        for (update, &[_, sg, _, yg]) in self.updates.iter_mut().zip(of_updates) {
            update.with_gradient = [sg, yg];
        }
    }

    /// The product of the move on trial with the gradient before it.
    pub fn promised(&self) -> f64 {
        let promised = |update: &Update| update.with_gradient[0] - update.curvature()[0];
        self.updates.back().map_or(0.0, promised)
    }

    /// Forgets the update on trial.
    pub fn refuse(&mut self) {
        self.updates.pop_back();
    }

    /// Keeps the update on trial, unless it is noise, and forgets the oldest if there is no room.
    pub fn accept(&mut self) {
        let curvature = self.updates.back().map(Update::curvature);
        if curvature.is_some_and(|[sy, yy]| sy <= CURVATURE * yy) {
            self.refuse();
        }
        if self.updates.len() > self.room {
            self.updates.pop_front();
            for update in &mut self.updates {
                update.with_y.pop_front();
            }
        }
    }

    /// -H g for the gradient that was measured last, by the two-loop recursion. None without an
    /// update, or if that is no way down.
    pub fn direction(&self) -> Option<Direction> {
        let updates = &self.updates;
        let [sy, yy] = updates.back()?.curvature();
        let scale = sy / yy;
        // q = g + the sum of of_y y, and r = scale q + the sum of of_s s.
        let (mut of_s, mut of_y) = (vec![0.0; updates.len()], vec![0.0; updates.len()]);
        for (i, update) in updates.iter().enumerate().rev() {
            let newer = (i + 1..updates.len()).map(|j| of_y[j] * updates[j].with_y[i][0]);
            let along = update.with_gradient[0] + newer.sum::<f64>();
            of_y[i] = -along / update.curvature()[0];
        }
        for (i, update) in updates.iter().enumerate() {
            let all = (0..updates.len()).map(|j| of_y[j] * updates[i.max(j)].with_y[i.min(j)][1]);
            let older = (0..i).map(|j| of_s[j] * update.with_y[j][0]);
            let along = scale * (update.with_gradient[1] + all.sum::<f64>()) + older.sum::<f64>();
            of_s[i] = -of_y[i] - along / update.curvature()[0];
        }
        let of_updates = of_s.iter().zip(of_y).map(|(s, y)| [-s, -scale * y]);
        let direction = Direction {
            gradient: -scale,
            updates: of_updates.collect(),
        };
        (self.slope(&direction) < 0.0).then_some(direction)
    }

    /// The product of a direction and the gradient that was measured last.
    fn slope(&self, direction: &Direction) -> f64 {
        let updates = self.updates.iter().zip(&direction.updates);
        let slopes = updates.map(|(update, of)| {
            let [sg, yg] = update.with_gradient;
            of[0] * sg + of[1] * yg
        });
        direction.gradient * self.square + slopes.sum::<f64>()
    }

    /// What a step of `length` along a direction is the sum of: factors and pictures.
    pub fn step<'a>(
        &'a self,
        direction: &Direction,
        length: f64,
        gradient: &'a Tensor<4>,
    ) -> Vec<(f32, &'a Tensor<4>)> {
        let updates = self.updates.iter().zip(&direction.updates);
        let pairs = updates.flat_map(|(update, of)| [(of[0], &update.s), (of[1], &update.y)]);
        let all = [(direction.gradient, gradient)].into_iter().chain(pairs);
        all.map(|(factor, x)| ((length * factor) as f32, x))
            .collect()
    }

    /// The updates as named tensors, for a checkpoint.
    pub fn parts(&self) -> Named<Tensor<4>> {
        let named = |(k, update): (usize, &Update)| {
            let (s, y) = (update.s.clone(), update.y.clone());
            [(format!("lbfgs.s.{k}"), s), (format!("lbfgs.y.{k}"), y)]
        };
        self.updates.iter().enumerate().flat_map(named).collect()
    }

    /// Takes back what [`Self::parts`] gave, measured against the last gradient, or nothing if one
    /// half of an update is missing.
    pub fn restore(
        &mut self,
        tensor: &mut dyn FnMut(&str) -> Option<Tensor<4>>,
        gradient: &Tensor<4>,
    ) -> Option<()> {
        for k in 0..self.room {
            let Some(s) = tensor(&format!("lbfgs.s.{k}")) else {
                break;
            };
            self.measure(s, tensor(&format!("lbfgs.y.{k}"))?, gradient);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::kernels::combination;

    type Vector = [f64; 6];

    fn dot(a: Vector, b: Vector) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    /// a + factor * b
    fn plus(a: Vector, factor: f64, b: Vector) -> Vector {
        std::array::from_fn(|i| a[i] + factor * b[i])
    }

    fn tensor(values: Vector) -> Tensor<4> {
        Tensor::from_floats([[[values.map(|v| v as f32)]]], &Device::flex())
    }

    /// Moves and changes of the gradient along a parabola, and a gradient.
    fn course(steps: usize) -> (Vec<[Vector; 2]>, Vector) {
        let at = |k: usize| -> Vector {
            std::array::from_fn(|i| ((7 * k + 3 * i + k * i) as f64).sin())
        };
        let curved = |s: Vector| -> Vector {
            std::array::from_fn(|i| {
                (i + 1) as f64 * s[i] + 0.3 * s[(i + 1) % 6] + 0.3 * s[(i + 5) % 6]
            })
        };
        (
            (0..steps).map(|k| [at(k), curved(at(k))]).collect(),
            at(steps),
        )
    }

    /// -H g as Nocedal and Wright (2006) give it, algorithm 7.4, on the vectors themselves.
    fn expected(updates: &[[Vector; 2]], gradient: Vector) -> Vector {
        let mut q = gradient;
        let mut factors = Vec::new();
        for &[s, y] in updates.iter().rev() {
            factors.push(dot(s, q) / dot(s, y));
            q = plus(q, -factors[factors.len() - 1], y);
        }
        let [s, y] = updates[updates.len() - 1];
        let mut r = q.map(|v| v * dot(s, y) / dot(y, y));
        for &[s, y] in updates {
            let factor = factors.pop().unwrap();
            r = plus(r, factor - dot(y, r) / dot(s, y), s);
        }
        r.map(|v| -v)
    }

    #[test]
    fn the_direction_is_that_of_the_recursion_over_vectors() {
        let (updates, gradient) = course(7);
        let gradient_tensor = tensor(gradient);
        let mut memory = Memory::new(4);
        for (k, &[s, y]) in updates.iter().enumerate() {
            memory.measure(tensor(s), tensor(y), &gradient_tensor);
            memory.accept();
            let kept = &updates[(k + 1).saturating_sub(4)..=k];
            let direction = memory.direction().expect("a way down");
            // Around a half, so that nothing is clamped.
            let half = Tensor::full([1, 1, 1, 6], 0.5, &Device::flex());
            let mut terms = memory.step(&direction, 0.01, &gradient_tensor);
            terms.push((1.0, &half));
            let found: Vec<f64> = combination(&terms).into_data().iter().collect();
            for (found, expected) in found.iter().zip(expected(kept, gradient)) {
                let found = (found - 0.5) / 0.01;
                assert!(
                    (found - expected).abs() < 1e-3,
                    "{k}: {found}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn an_update_without_curvature_is_not_kept() {
        let (updates, gradient) = course(2);
        let mut memory = Memory::new(4);
        for [s, y] in updates {
            memory.measure(tensor(s), tensor(y.map(|v| -v)), &tensor(gradient));
            memory.accept();
        }
        assert_eq!(memory.len(), 0);
        assert!(memory.direction().is_none());
    }

    #[test]
    fn what_was_promised_is_the_move_along_the_gradient_before_it() {
        let (updates, after) = course(1);
        let [s, y] = updates[0];
        let mut memory = Memory::new(4);
        memory.measure(tensor(s), tensor(y), &tensor(after));
        let before = plus(after, -1.0, y);
        assert!((memory.promised() - dot(s, before)).abs() < 1e-5);
    }
}
