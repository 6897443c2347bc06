//! The kernels as operations of burn: one trait, its flex implementation, and one rule of
//! automatic differentiation for each operation.
//!
//! The rules compute gradients of inputs only. They keep one bit for each activation, and the map
//! itself for a Gram matrix.

use std::sync::Arc;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, backend_extension};

use super::account::Account;
use super::cpu::bits::Bits;
use super::cpu::layer::{FusedLayer, Pool};
use super::cpu::part::Place;
use super::flex::{self, Size};

/// Operations on maps `[1, channels, height, width]`.
#[backend_extension(Flex, Autodiff)]
pub trait Kernels: Backend {
    /// 3x3 same convolution with constant filters, bias, `ReLU` and pool.
    fn conv_relu(x: FloatTensor<Self>, layer: Arc<FusedLayer>, pool: Pool) -> FloatTensor<Self>;
    /// A pool of a map without negative values.
    fn pool(x: FloatTensor<Self>, pool: Pool) -> FloatTensor<Self>;
    /// The Gram matrix `[channels, channels]`, divided by the number of pixels.
    fn gram(x: FloatTensor<Self>) -> FloatTensor<Self>;
    /// A part of a map.
    fn part(x: FloatTensor<Self>, place: Place) -> FloatTensor<Self>;
}

impl Kernels for Flex {
    fn conv_relu(x: FlexTensor, layer: Arc<FusedLayer>, pool: Pool) -> FlexTensor {
        flex::convolve(x, &layer, pool).0
    }

    fn pool(x: FlexTensor, pool: Pool) -> FlexTensor {
        flex::pool(x, pool).0
    }

    fn gram(x: FlexTensor) -> FlexTensor {
        flex::gram(&x)
    }

    fn part(x: FlexTensor, place: Place) -> FlexTensor {
        flex::part(&x, &place)
    }
}

impl<C: CheckpointStrategy> Kernels for Autodiff<Flex, C> {
    fn conv_relu(x: FloatTensor<Self>, layer: Arc<FusedLayer>, pool: Pool) -> FloatTensor<Self> {
        let source = Account::of(x.id());
        let (x, node) = x.into_parts();
        let size = flex::size(&x);
        let (out, bits) = flex::convolve(x, &layer, pool);
        match ConvRelu.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let account = Arc::<Account>::default();
                let state = Convolved {
                    layer,
                    pool,
                    bits: Arc::new(bits),
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
        let size = flex::size(&x);
        let (out, bits) = flex::pool(x, pool);
        match Pooled.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((pool, Arc::new(bits), size, source), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn gram(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let source = Account::of(x.id());
        let (x, node) = x.into_parts();
        let out = flex::gram(&x);
        match Gram.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, source), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn part(x: FloatTensor<Self>, place: Place) -> FloatTensor<Self> {
        let source = Account::of(x.id());
        let (x, node) = x.into_parts();
        let [height, _] = flex::size(&x);
        let out = flex::part(&x, &place);
        match Part.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((place, height, source), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }
}

/// What a convolution keeps for its gradient.
#[derive(Clone, Debug)]
struct Convolved {
    layer: Arc<FusedLayer>,
    pool: Pool,
    bits: Arc<Bits>,
    size: Size,
    /// Where gradients of the output may wait.
    account: Arc<Account>,
    /// Where the gradient of the input goes, if there is such a place.
    source: Option<Arc<Account>>,
}

/// Hands the gradient of an input on.
fn hand_on(
    gradient: FlexTensor,
    source: Option<Arc<Account>>,
    input: Option<NodeId>,
    grads: &mut Gradients,
) {
    let Some(node) = input else {
        return;
    };
    match source {
        Some(account) => account.deposit(gradient, grads),
        None => grads.register::<Flex>(node, gradient),
    }
}

#[derive(Debug)]
struct ConvRelu;

impl Backward<Flex, 1> for ConvRelu {
    type State = Convolved;

    fn backward(self, ops: Ops<Convolved, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([input], state) = (ops.parents, ops.state);
        let gradient = state.account.settle(grads.consume::<Flex>(&ops.node));
        let gradient =
            flex::convolve_backward(gradient, &state.layer, state.pool, &state.bits, state.size);
        hand_on(gradient, state.source, input.map(|node| node.id), grads);
    }
}

#[derive(Debug)]
struct Pooled;

impl Backward<Flex, 1> for Pooled {
    type State = (Pool, Arc<Bits>, Size, Option<Arc<Account>>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([input], (pool, bits, size, source)) = (ops.parents, ops.state);
        let gradient = flex::pool_backward(grads.consume::<Flex>(&ops.node), pool, &bits, size);
        hand_on(gradient, source, input.map(|node| node.id), grads);
    }
}

#[derive(Debug)]
struct Gram;

impl Backward<Flex, 1> for Gram {
    type State = (FlexTensor, Option<Arc<Account>>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([input], (map, source)) = (ops.parents, ops.state);
        let gradient = grads.consume::<Flex>(&ops.node);
        if let Some(account) = source {
            account.deposit_gram(gradient, map, grads);
        } else {
            let gradient = flex::gram_backward(&gradient, &map, None);
            hand_on(gradient, None, input.map(|node| node.id), grads);
        }
    }
}

#[derive(Debug)]
struct Part;

impl Backward<Flex, 1> for Part {
    type State = (Place, usize, Option<Arc<Account>>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([input], (place, height, source)) = (ops.parents, ops.state);
        let gradient = grads.consume::<Flex>(&ops.node);
        if let Some(account) = source {
            account.deposit_part(gradient, place, height, grads);
        } else {
            let gradient = flex::part_backward(&gradient, &place, height, None);
            hand_on(gradient, None, input.map(|node| node.id), grads);
        }
    }
}
