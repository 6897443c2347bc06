//! Operations that weigh a map's positions, on the CPU alone: elsewhere they are burn's own.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, backend_extension};
use burn::tensor::Shape;

use super::account::Account;
use super::cpu::weighing;
use super::engine::Engine;
use super::flex::values::{map, numbers, run, run_mut, to_add_to, values};
use super::ops::leave;

/// Operations on maps `[1, channels, height, width]`; the weights are constants.
#[backend_extension(Flex, Autodiff)]
pub trait Weighing: Backend {
    /// A map, each position times its number of `[height, width]`.
    fn weighted(x: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self>;
    /// The sum over a map's positions, each times its number of `[height, width]`: `[1, channels]`.
    fn mean(x: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// Numbers of positions or of channels, in one run of memory.
struct Line(FlexTensor);

impl Line {
    fn of(numbers: &FlexTensor) -> Self {
        Self(numbers.to_contiguous())
    }

    fn numbers(&self) -> &[f32] {
        run(&self.0)
    }
}

impl Weighing for Flex {
    fn weighted(x: FlexTensor, weights: FlexTensor) -> FlexTensor {
        let shape = Self::shape_of(&x);
        let weights = Line::of(&weights);
        map(
            weighing::weighted(&values(&x, false), weights.numbers()),
            shape,
            false,
        )
    }

    fn mean(x: FlexTensor, weights: FlexTensor) -> FlexTensor {
        let channels = Self::shape_of(&x)[0];
        let weights = Line::of(&weights);
        let mean = weighing::mean(&values(&x, false), weights.numbers());
        numbers(mean, Shape::from([1, channels]))
    }
}

impl<C: CheckpointStrategy> Weighing for Autodiff<Flex, C> {
    fn weighted(x: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self> {
        let source = Account::of(x.id());
        let ((x, node), (weights, _)) = (x.into_parts(), weights.into_parts());
        let out = Flex::weighted(x, weights.clone());
        match Weighted.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((weights, source), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn mean(x: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self> {
        let source = Account::of(x.id());
        let ((x, node), (weights, _)) = (x.into_parts(), weights.into_parts());
        let shape = Flex::shape_of(&x);
        let out = Flex::mean(x, weights.clone());
        match Mean.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((shape, weights, source), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }
}

/// Where the gradient of the input goes, if there is such a place.
type Source = Option<Arc<Account<Flex>>>;

#[derive(Debug)]
struct Weighted;

impl Backward<Flex, 1> for Weighted {
    type State = (FlexTensor, Source);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([input], (weights, source)) = (ops.parents, ops.state);
        let gradient = grads.consume::<Flex>(&ops.node);
        let shape = Flex::shape_of(&gradient);
        let like = gradient.clone();
        let add = move |other: Option<FlexTensor>| {
            let Some(other) = other else {
                return Flex::weighted(gradient, weights);
            };
            let (mut sum, weights) = (to_add_to(Some(other), shape), Line::of(&weights));
            let gradient = values(&gradient, false);
            weighing::add_weighted(&gradient, weights.numbers(), run_mut(&mut sum));
            sum
        };
        leave::<Flex>(add, shape, &like, source, input.map(|node| node.id), grads);
    }
}

#[derive(Debug)]
struct Mean;

impl Backward<Flex, 1> for Mean {
    type State = ([usize; 3], FlexTensor, Source);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([input], (shape, weights, source)) = (ops.parents, ops.state);
        let gradient = grads.consume::<Flex>(&ops.node);
        let like = gradient.clone();
        let add = move |other: Option<FlexTensor>| {
            let (mut sum, weights) = (to_add_to(other, shape), Line::of(&weights));
            let gradient = Line::of(&gradient);
            weighing::mean_backward(gradient.numbers(), weights.numbers(), run_mut(&mut sum));
            sum
        };
        leave::<Flex>(add, shape, &like, source, input.map(|node| node.id), grads);
    }
}
