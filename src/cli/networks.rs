//! Networks, loaded once for all the jobs of a process.

use std::cell::OnceCell;
use std::rc::Rc;

use nst::device::Backend;
use nst::vgg::{Layer, Model, Vgg};
use nst::weights::{self, Choice, Place, Places, Weights, WeightsError};

use crate::cli::args::Transfer;
use crate::cli::devices;
use crate::cli::interrupt::Interrupt;
use crate::cli::provenance::WeightsRecord;
use crate::cli::report::Terminal;

/// A network on a device, and where its weights come from.
pub struct Network {
    /// The network.
    pub vgg: Vgg,
    /// What computes it: never [`Backend::Auto`].
    pub backend: Backend,
    model: Model,
    place: Place,
    source: Option<String>,
    record: OnceCell<WeightsRecord>,
}

impl Network {
    /// The network, and the name of its weights.
    pub fn name(&self) -> String {
        let weights = match &self.place {
            Place::BuiltIn => "built-in".into(),
            Place::File(path) => path.file_name().unwrap_or_default().to_string_lossy(),
        };
        format!("{}, {weights}", self.model)
    }

    /// What the provenance says of the weights; reads their file once.
    ///
    /// # Errors
    ///
    /// If the file has gone or cannot be read.
    pub fn record(&self) -> Result<&WeightsRecord, WeightsError> {
        if let Some(record) = self.record.get() {
            return Ok(record);
        }
        let record = WeightsRecord::of(&self.place, self.model, self.source.clone())?;
        Ok(self.record.get_or_init(|| record))
    }
}

/// What makes two jobs use the same network.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    model: Model,
    choice: Choice,
    offline: bool,
    backend: Backend,
    card: Option<String>,
}

impl Key {
    fn of(args: &Transfer) -> Self {
        Self {
            model: args.style.model,
            choice: args.style.weights.clone().unwrap_or(Choice::Auto),
            offline: args.style.offline,
            backend: args.hardware.backend,
            card: args.hardware.device.clone(),
        }
    }
}

/// The networks loaded so far, and how deep the jobs to come need them.
#[derive(Default)]
pub struct Networks {
    loaded: Vec<(Key, Rc<Network>)>,
    wishes: Vec<(Key, Layer)>,
}

impl Networks {
    /// Says that a job to come needs its network down to `deepest`.
    pub fn expect(&mut self, args: &Transfer, deepest: Layer) {
        let key = Key::of(args);
        match self.wishes.iter_mut().find(|(of, _)| *of == key) {
            Some((_, wish)) => *wish = deepest.max(*wish),
            None => self.wishes.push((key, deepest)),
        }
    }

    /// The network a job asks for, down to `deepest` or deeper. `note` is told what the user did
    /// not choose. While weights are fetched, a signal ends the process at once.
    ///
    /// # Errors
    ///
    /// Weights that are nowhere or wrong, and a backend that does not start.
    pub fn get(
        &mut self,
        args: &Transfer,
        deepest: Layer,
        interrupt: &Interrupt,
        note: &dyn Fn(&str),
    ) -> anyhow::Result<Rc<Network>> {
        let key = Key::of(args);
        let fits = |(of, network): &&(Key, Rc<Network>)| {
            *of == key && network.vgg.layers().any(|layer| layer == deepest)
        };
        if let Some((_, network)) = self.loaded.iter().find(fits) {
            return Ok(Rc::clone(network));
        }
        let report = Terminal::new(args.output.quiet, Some(interrupt));
        let weights = self.find(&key, deepest, &report);
        interrupt.at_once(false);
        let weights = weights?;
        let (device, backend, remark) = devices::open(key.backend, key.card.as_deref())?;
        if let Some(remark) = remark {
            note(&remark);
        }
        let network = Rc::new(Network {
            model: weights.model,
            place: weights.origin.place.clone(),
            source: weights.origin.source.clone(),
            vgg: Vgg::new(weights, &device),
            backend,
            record: OnceCell::new(),
        });
        self.loaded.retain(|(of, _)| *of != key);
        self.loaded.push((key, Rc::clone(&network)));
        Ok(network)
    }

    /// As deep as any job needs, so that they are read once; if they do not go so deep, as deep as
    /// this one does.
    fn find(
        &self,
        key: &Key,
        deepest: Layer,
        report: &Terminal<'_>,
    ) -> Result<Weights, WeightsError> {
        let mut places = Places::of_this_process();
        if key.offline {
            places.network = None;
        }
        let find = |depth| weights::find(&key.choice, key.model, depth, &places, report);
        let wish = self.wishes.iter().find(|(of, _)| of == key);
        match wish.map(|(_, wish)| *wish).filter(|wish| *wish > deepest) {
            Some(wish) => find(wish).or_else(|_| find(deepest)),
            None => find(deepest),
        }
    }
}
