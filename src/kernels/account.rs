//! Where the gradients of one map meet.
//!
//! A map that feeds both the next layer and a Gram matrix gets two gradients. Left to burn, both
//! would be full maps, added by one thread. Here the operations of this module leave theirs with
//! the layer that made the map, and that layer adds them up in place when its turn comes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;

use super::cpu::part::Place;
use super::flex;

/// Accounts of living graphs by the node of their map.
static OPEN: Mutex<BTreeMap<NodeId, Weak<Account>>> = Mutex::new(BTreeMap::new());

/// The gradients left for one map.
#[derive(Debug, Default)]
pub struct Account {
    node: OnceLock<NodeId>,
    deposits: Mutex<Deposits>,
}

#[derive(Debug, Default)]
struct Deposits {
    /// Whether burn knows that there is a gradient.
    announced: bool,
    gradient: Option<FlexTensor>,
    /// Gradients of Gram matrices, and the map they are matrices of.
    grams: Vec<(FlexTensor, FlexTensor)>,
    /// Gradients of parts, where they lie, and the map's height.
    parts: Vec<(FlexTensor, Place, usize)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Account {
    /// Opens the account of a map.
    pub fn open(self: &Arc<Self>, node: NodeId) {
        if self.node.set(node).is_ok() {
            lock(&OPEN).insert(node, Arc::downgrade(self));
        }
    }

    /// The account of a map, if a layer of ours made it.
    pub fn of(node: NodeId) -> Option<Arc<Self>> {
        lock(&OPEN).get(&node).and_then(Weak::upgrade)
    }

    /// Leaves a gradient of the map.
    pub fn deposit(&self, gradient: FlexTensor, grads: &mut Gradients) {
        let mut deposits = lock(&self.deposits);
        self.announce(&mut deposits, flex::shape_of(&gradient), grads);
        deposits.gradient = Some(match deposits.gradient.take() {
            Some(other) => Flex::float_add(other, gradient),
            None => gradient,
        });
    }

    /// Leaves the gradient of the map's Gram matrix.
    pub fn deposit_gram(&self, gradient: FlexTensor, map: FlexTensor, grads: &mut Gradients) {
        let mut deposits = lock(&self.deposits);
        self.announce(&mut deposits, flex::shape_of(&map), grads);
        deposits.grams.push((gradient, map));
    }

    /// Leaves the gradient of a part of the map, which has this height.
    pub fn deposit_part(
        &self,
        gradient: FlexTensor,
        place: Place,
        height: usize,
        grads: &mut Gradients,
    ) {
        let mut deposits = lock(&self.deposits);
        let [channels, _, _] = flex::shape_of(&gradient);
        self.announce(&mut deposits, [channels, height, place.width], grads);
        deposits.parts.push((gradient, place, height));
    }

    /// Gives burn a zero that takes no memory, so that it calls the layer.
    fn announce(&self, deposits: &mut Deposits, shape: [usize; 3], grads: &mut Gradients) {
        if let (false, Some(&node)) = (deposits.announced, self.node.get()) {
            deposits.announced = true;
            grads.register::<Flex>(node, flex::zero(shape));
        }
    }

    /// The whole gradient, given the part that came through burn.
    pub fn settle(&self, given: FlexTensor) -> FlexTensor {
        let deposits = std::mem::take(&mut *lock(&self.deposits));
        let total = match deposits.gradient {
            Some(gradient) if flex::is_zero(&given) => Some(gradient),
            Some(gradient) => Some(Flex::float_add(gradient, given)),
            None if flex::is_zero(&given) => None,
            None => Some(given),
        };
        let mut total = total;
        for (gradient, place, height) in deposits.parts {
            total = Some(flex::part_backward(&gradient, &place, height, total));
        }
        for (gradient, map) in deposits.grams {
            total = Some(flex::gram_backward(&gradient, &map, total));
        }
        total.expect("a zero is given only where something was left")
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if let Some(node) = self.node.get() {
            lock(&OPEN).remove(node);
        }
    }
}
