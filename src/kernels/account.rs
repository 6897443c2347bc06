//! Where the gradients of one map meet.
//!
//! A map that feeds both the next layer and a Gram matrix gets two gradients. Left to burn, both
//! would be full maps, added by one thread. Here the operations of this module leave theirs with
//! the layer that made the map, and that layer adds them up in place when its turn comes.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::tensor::FloatTensor;

use super::Filters;
use super::engine::Engine;

/// Accounts of living graphs, of every engine, by the node of their map.
static OPEN: Mutex<BTreeMap<NodeId, Weak<dyn Any + Send + Sync>>> = Mutex::new(BTreeMap::new());

/// The gradients left for one map.
#[derive(Debug)]
pub struct Account<E: Engine> {
    node: OnceLock<NodeId>,
    /// What the map was made of, where that is so little that nobody need keep the map.
    pub origin: Option<Origin<E>>,
    deposits: Mutex<Deposits<E>>,
}

#[derive(Debug)]
struct Deposits<E: Engine> {
    /// Whether burn knows that there is a gradient.
    announced: bool,
    gradient: Option<FloatTensor<E>>,
    /// What is added once the layer asks: gradients of functions of the map.
    later: Vec<Addition<E>>,
}

/// Adds a gradient to another, if there is one, in place where that can be.
struct Addition<E: Engine>(Box<dyn FnOnce(Option<FloatTensor<E>>) -> FloatTensor<E> + Send>);

impl<E: Engine> fmt::Debug for Addition<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Addition")
    }
}

/// What a first layer makes its map of.
#[derive(Clone, Debug)]
pub struct Origin<E: Engine> {
    pub picture: FloatTensor<E>,
    pub filters: Filters,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<E: Engine> Default for Deposits<E> {
    fn default() -> Self {
        Self {
            announced: false,
            gradient: None,
            later: Vec::new(),
        }
    }
}

impl<E: Engine> Account<E> {
    /// Of a map with this origin, if that is enough to keep.
    pub fn new(origin: Option<Origin<E>>) -> Self {
        Self {
            node: OnceLock::new(),
            origin,
            deposits: Mutex::default(),
        }
    }

    /// Opens the account of a map.
    pub fn open(self: &Arc<Self>, node: NodeId) {
        if self.node.set(node).is_ok() {
            let account: Weak<Self> = Arc::downgrade(self);
            lock(&OPEN).insert(node, account);
        }
    }

    /// The account of a map, if a layer of ours made it.
    pub fn of(node: NodeId) -> Option<Arc<Self>> {
        let account = lock(&OPEN).get(&node).and_then(Weak::upgrade)?;
        account.downcast().ok()
    }

    /// Leaves a gradient of the map.
    pub fn deposit(&self, gradient: FloatTensor<E>, grads: &mut Gradients) {
        let mut deposits = lock(&self.deposits);
        self.announce(&mut deposits, E::shape_of(&gradient), &gradient, grads);
        deposits.gradient = Some(match deposits.gradient.take() {
            Some(other) => E::float_add(other, gradient),
            None => gradient,
        });
    }

    /// Leaves what adds a gradient of the map, which has this shape, to another; `like` is on its device.
    pub fn deposit_later(
        &self,
        add: impl FnOnce(Option<FloatTensor<E>>) -> FloatTensor<E> + Send + 'static,
        shape: [usize; 3],
        like: &FloatTensor<E>,
        grads: &mut Gradients,
    ) {
        let mut deposits = lock(&self.deposits);
        self.announce(&mut deposits, shape, like, grads);
        deposits.later.push(Addition(Box::new(add)));
    }

    /// Gives burn a zero that takes no memory, so that it calls the layer.
    fn announce(
        &self,
        deposits: &mut Deposits<E>,
        shape: [usize; 3],
        like: &FloatTensor<E>,
        grads: &mut Gradients,
    ) {
        if let (false, Some(&node)) = (deposits.announced, self.node.get()) {
            deposits.announced = true;
            grads.register::<E>(node, E::zero(shape, like));
        }
    }

    /// The whole gradient, given the part that came through burn.
    pub fn settle(&self, given: FloatTensor<E>) -> FloatTensor<E> {
        let deposits = std::mem::take(&mut *lock(&self.deposits));
        let total = match deposits.gradient {
            Some(gradient) if E::is_zero(&given) => Some(gradient),
            Some(gradient) => Some(E::float_add(gradient, given)),
            None if E::is_zero(&given) => None,
            None => Some(given),
        };
        let later = deposits.later.into_iter();
        let total = later.fold(total, |total, Addition(add)| Some(add(total)));
        total.expect("a zero is given only where something was left")
    }
}

impl<E: Engine> Drop for Account<E> {
    fn drop(&mut self) {
        if let Some(node) = self.node.get() {
            lock(&OPEN).remove(node);
        }
    }
}
