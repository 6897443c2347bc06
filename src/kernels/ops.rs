//! The kernels as operations of burn: one trait, and one rule of automatic differentiation for each
//! operation, whatever the engine.
//!
//! The rules compute gradients of inputs only. They keep one bit for each activation, and for a Gram
//! matrix the map itself, or the picture that a first layer made it of.

use std::sync::Arc;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, backend_extension};

use super::Filters;
use super::account::{Account, Origin};
use super::cpu::adam::AdamStep;
use super::cpu::layer::Pool;
use super::cpu::part::Place;
use super::cpu::variation::Neighbours;
use super::engine::{Engine, Size};

/// Operations on maps `[1, channels, height, width]`.
#[backend_extension(Flex, Cube: cfg(feature = "gpu"), Autodiff)]
pub trait Kernels: Backend {
    /// 3x3 same convolution with constant filters, bias, `ReLU` and pool.
    fn conv_relu(x: FloatTensor<Self>, filters: Filters, pool: Pool) -> FloatTensor<Self>;
    /// A pool of a map without negative values.
    fn pool(x: FloatTensor<Self>, pool: Pool) -> FloatTensor<Self>;
    /// The Gram matrix `[channels, channels]`, divided by this number of positions.
    fn gram(x: FloatTensor<Self>, positions: f32) -> FloatTensor<Self>;
    /// A part of a map.
    fn part(x: FloatTensor<Self>, place: Place) -> FloatTensor<Self>;
    /// The squared differences between neighbours, by their weights, in parts.
    fn variation(x: FloatTensor<Self>, pairs: Neighbours, weights: [f32; 2]) -> FloatTensor<Self>;
    /// A picture and its two moments after a step of Adam; without a gradient of its own.
    fn adam(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
    /// The sum of squares of a difference from a constant, in parts.
    fn distance(x: FloatTensor<Self>, constant: FloatTensor<Self>) -> FloatTensor<Self>;
    /// The root's own number, whose gradient of `x` is `slope`.
    fn seeded(
        root: FloatTensor<Self>,
        x: FloatTensor<Self>,
        slope: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// The operations of a device without automatic differentiation.
macro_rules! without_autodiff {
    ($backend:ty) => {
        impl Kernels for $backend {
            fn conv_relu(x: FloatTensor<Self>, filters: Filters, pool: Pool) -> FloatTensor<Self> {
                <Self as Engine>::convolve(x, &filters, pool).0
            }

            fn pool(x: FloatTensor<Self>, pool: Pool) -> FloatTensor<Self> {
                <Self as Engine>::pool(x, pool).0
            }

            fn gram(x: FloatTensor<Self>, positions: f32) -> FloatTensor<Self> {
                <Self as Engine>::gram(&x, positions)
            }

            fn part(x: FloatTensor<Self>, place: Place) -> FloatTensor<Self> {
                <Self as Engine>::part(&x, &place)
            }

            fn variation(
                x: FloatTensor<Self>,
                pairs: Neighbours,
                weights: [f32; 2],
            ) -> FloatTensor<Self> {
                <Self as Engine>::variation(x, &pairs, weights)
            }

            fn adam(
                x: FloatTensor<Self>,
                gradient: FloatTensor<Self>,
                first: FloatTensor<Self>,
                second: FloatTensor<Self>,
                step: AdamStep,
            ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
                <Self as Engine>::adam(x, gradient, [first, second], step).into()
            }

            fn distance(x: FloatTensor<Self>, constant: FloatTensor<Self>) -> FloatTensor<Self> {
                <Self as Engine>::distance(x, constant)
            }

            fn seeded(
                root: FloatTensor<Self>,
                _: FloatTensor<Self>,
                _: FloatTensor<Self>,
            ) -> FloatTensor<Self> {
                root
            }
        }
    };
}

without_autodiff!(Flex);
#[cfg(feature = "gpu")]
without_autodiff!(burn_cubecl::CubeBackend);

impl<E: Engine, C: CheckpointStrategy> Kernels for Autodiff<E, C> {
    fn conv_relu(x: FloatTensor<Self>, filters: Filters, pool: Pool) -> FloatTensor<Self> {
        let source = Account::of(x.id());
        let (x, node) = x.into_parts();
        let size = size::<E>(&x);
        let origin = E::remakes(&filters, pool).then(|| Origin {
            picture: x.clone(),
            filters: filters.clone(),
        });
        let (out, bits) = E::convolve(x, &filters, pool);
        match ConvRelu.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let account = Arc::new(Account::<E>::new(origin));
                let state = Convolved {
                    filters,
                    pool,
                    bits,
                    size,
                    account: account.clone(),
                    source,
                };
                let out = prep.finish(state, out);
                account.open(out.id());
                out
            }
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn pool(x: FloatTensor<Self>, pool: Pool) -> FloatTensor<Self> {
        let source = Account::of(x.id());
        let (x, node) = x.into_parts();
        let size = size::<E>(&x);
        let (out, bits) = E::pool(x, pool);
        match Pooled.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((pool, bits, size, source), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn gram(x: FloatTensor<Self>, positions: f32) -> FloatTensor<Self> {
        let source = Account::<E>::of(x.id());
        let (x, node) = x.into_parts();
        let out = E::gram(&x, positions);
        match Gram.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let shape = E::shape_of(&x);
                let origin = source.as_ref().and_then(|account| account.origin.clone());
                let map = origin.map_or(Map::Kept(x), Map::Remade);
                prep.finish((map, shape, positions, source), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn part(x: FloatTensor<Self>, place: Place) -> FloatTensor<Self> {
        let source = Account::of(x.id());
        let (x, node) = x.into_parts();
        let [height, _] = size::<E>(&x);
        let out = E::part(&x, &place);
        match Part.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((place, height, source), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn variation(x: FloatTensor<Self>, pairs: Neighbours, weights: [f32; 2]) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let out = E::variation(x.clone(), &pairs, weights);
        match Variation.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, pairs, weights), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn adam(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let primitive = |x: FloatTensor<Self>| x.into_parts().0;
        let moments = [primitive(first), primitive(second)];
        let new = E::adam(primitive(x), primitive(gradient), moments, step);
        new.map(FloatTensor::<Self>::new).into()
    }

    fn distance(x: FloatTensor<Self>, constant: FloatTensor<Self>) -> FloatTensor<Self> {
        let source = Account::of(x.id());
        let ((x, node), (constant, _)) = (x.into_parts(), constant.into_parts());
        let out = E::distance(x.clone(), constant.clone());
        match Distance.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, constant, source), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn seeded(
        root: FloatTensor<Self>,
        x: FloatTensor<Self>,
        slope: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let ((out, root), (_, x), (slope, _)) =
            (root.into_parts(), x.into_parts(), slope.into_parts());
        match Seeded.prepare::<C>([root, x]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(slope, out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }
}

/// Height and width of a map.
fn size<E: Engine>(map: &FloatTensor<E>) -> Size {
    let [_, height, width] = E::shape_of(map);
    [height, width]
}

/// What a convolution keeps for its gradient.
#[derive(Clone, Debug)]
struct Convolved<E: Engine> {
    filters: Filters,
    pool: Pool,
    bits: E::Bits,
    size: Size,
    /// Where gradients of the output may wait.
    account: Arc<Account<E>>,
    /// Where the gradient of the input goes, if there is such a place.
    source: Option<Arc<Account<E>>>,
}

/// Hands the gradient of an input on.
fn hand_on<E: Engine>(
    gradient: FloatTensor<E>,
    source: Option<Arc<Account<E>>>,
    input: Option<NodeId>,
    grads: &mut Gradients,
) {
    let Some(node) = input else {
        return;
    };
    match source {
        Some(account) => account.deposit(gradient, grads),
        None => grads.register::<E>(node, gradient),
    }
}

/// Leaves what adds a gradient of the input, which has this shape, to another.
pub fn leave<E: Engine>(
    add: impl FnOnce(Option<FloatTensor<E>>) -> FloatTensor<E> + Send + 'static,
    shape: [usize; 3],
    like: &FloatTensor<E>,
    source: Option<Arc<Account<E>>>,
    input: Option<NodeId>,
    grads: &mut Gradients,
) {
    match source {
        Some(account) => account.deposit_later(add, shape, like, grads),
        None => hand_on::<E>(add(None), None, input, grads),
    }
}

#[derive(Debug)]
struct ConvRelu;

impl<E: Engine> Backward<E, 1> for ConvRelu {
    type State = Convolved<E>;

    fn backward(self, ops: Ops<Convolved<E>, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([input], state) = (ops.parents, ops.state);
        let gradient = state.account.settle(grads.consume::<E>(&ops.node));
        let gradient = E::convolve_backward(
            gradient,
            &state.filters,
            state.pool,
            &state.bits,
            state.size,
        );
        hand_on::<E>(gradient, state.source, input.map(|node| node.id), grads);
    }
}

#[derive(Debug)]
struct Pooled;

impl<E: Engine> Backward<E, 1> for Pooled {
    type State = (Pool, E::Bits, Size, Option<Arc<Account<E>>>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([input], (pool, bits, size, source)) = (ops.parents, ops.state);
        let gradient = E::pool_backward(grads.consume::<E>(&ops.node), pool, &bits, size);
        hand_on::<E>(gradient, source, input.map(|node| node.id), grads);
    }
}

/// The map of a Gram matrix, or what it is made of.
#[derive(Clone, Debug)]
enum Map<E: Engine> {
    Kept(FloatTensor<E>),
    Remade(Origin<E>),
}

#[derive(Debug)]
struct Gram;

impl<E: Engine> Backward<E, 1> for Gram {
    type State = (Map<E>, [usize; 3], f32, Option<Arc<Account<E>>>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([input], (map, shape, positions, source)) = (ops.parents, ops.state);
        let gradient = grads.consume::<E>(&ops.node);
        let like = gradient.clone();
        let add = move |other| match &map {
            Map::Kept(map) => E::gram_backward(&gradient, map, positions, other),
            Map::Remade(origin) => E::gram_backward_remade(&gradient, origin, positions, other),
        };
        leave::<E>(add, shape, &like, source, input.map(|node| node.id), grads);
    }
}

#[derive(Debug)]
struct Part;

impl<E: Engine> Backward<E, 1> for Part {
    type State = (Place, usize, Option<Arc<Account<E>>>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([input], (place, height, source)) = (ops.parents, ops.state);
        let gradient = grads.consume::<E>(&ops.node);
        let (shape, like) = (
            [E::shape_of(&gradient)[0], height, place.width],
            gradient.clone(),
        );
        let add = move |other| E::part_backward(&gradient, &place, height, other);
        leave::<E>(add, shape, &like, source, input.map(|node| node.id), grads);
    }
}

#[derive(Debug)]
struct Variation;

impl<E: Engine> Backward<E, 1> for Variation {
    type State = (FloatTensor<E>, Neighbours, [f32; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([input], (x, pairs, weights)) = (ops.parents, ops.state);
        let gradient = grads.consume::<E>(&ops.node);
        let gradient = E::variation_backward(gradient, x, &pairs, weights);
        hand_on::<E>(gradient, None, input.map(|node| node.id), grads);
    }
}

#[derive(Debug)]
struct Distance;

impl<E: Engine> Backward<E, 1> for Distance {
    type State = (FloatTensor<E>, FloatTensor<E>, Option<Arc<Account<E>>>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([input], (x, constant, source)) = (ops.parents, ops.state);
        let gradient = grads.consume::<E>(&ops.node);
        let gradient = E::distance_backward(gradient, x, constant);
        hand_on::<E>(gradient, source, input.map(|node| node.id), grads);
    }
}

#[derive(Debug)]
struct Seeded;

impl<E: Engine> Backward<E, 2> for Seeded {
    type State = FloatTensor<E>;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([root, x], slope) = (ops.parents, ops.state);
        let gradient = grads.consume::<E>(&ops.node);
        hand_on::<E>(gradient, None, root.map(|node| node.id), grads);
        hand_on::<E>(slope, None, x.map(|node| node.id), grads);
    }
}
