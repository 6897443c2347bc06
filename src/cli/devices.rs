//! Backends: which of them work here, and the device of the one that is asked for.

mod probing;
#[cfg(feature = "gpu")]
mod remembered;

use std::sync::OnceLock;

use burn::tensor::Device;
use nst::device::{self, Adapter, Backend, DeviceError, Slot};

use crate::cli::args::Hardware;
use crate::cli::fault::Usage;

pub use probing::probe;
use probing::{Tried, probed};

/// The adapters of a machine in the order of their numbers, with what keeps one from computing.
pub type Listed = Vec<(Slot, Result<Adapter, DeviceError>)>;

/// Refuses a graphics card where the CPU is to compute.
pub fn check(args: &Hardware) -> Result<(), Usage> {
    let on_card = matches!(args.backend, Backend::Gpu | Backend::Auto);
    match &args.device {
        Some(card) if !on_card => Err(Usage(format!(
            "--device {card} names a graphics card: add --backend gpu"
        ))),
        _ => Ok(()),
    }
}

/// The backend that computes in the end, which `auto` leaves open until the GPU is tried.
pub fn effective(args: &Hardware) -> Backend {
    match args.backend {
        Backend::Auto if usable(args.device.as_deref()).is_ok() => Backend::Gpu,
        Backend::Auto => Backend::Cpu,
        chosen => chosen,
    }
}

/// The graphics card that computes, if one does.
pub fn card(args: &Hardware, backend: Backend) -> Option<Adapter> {
    let card = (backend == Backend::Gpu).then(|| usable(args.device.as_deref()));
    card.and_then(Result::ok).map(|(_, card)| card)
}

/// The device of a backend and what it is in the end, with a line for the user where the choice was
/// not theirs.
pub fn open(
    backend: Backend,
    card: Option<&str>,
) -> Result<(Device, Backend, Option<String>), DeviceError> {
    let gpu = || -> Result<_, DeviceError> {
        let (slot, adapter) = usable(card)?;
        let using = format!("using {adapter}");
        Ok((start(slot)?.0, Backend::Gpu, Some(using)))
    };
    match backend {
        Backend::Cpu => Ok((device::cpu(), backend, None)),
        Backend::Ndarray => Ok((device::ndarray()?, backend, None)),
        Backend::Gpu => gpu(),
        Backend::Auto => Ok(gpu().unwrap_or_else(|error| {
            let using = format!("using the CPU: {error}");
            (device::cpu(), Backend::Cpu, Some(using))
        })),
    }
}

/// Starts a GPU that [`usable`] gave, as far as its probing went.
pub fn start(slot: Slot) -> Result<(Device, Adapter), DeviceError> {
    let (device, adapter) = device::gpu(slot)?;
    #[cfg(feature = "gpu")]
    remembered::heed(&device, &adapter);
    Ok((device, adapter))
}

/// The GPU that `--backend gpu` computes on, or why there is none: the best, or the one that is chosen
/// by its number or a part of its name.
pub fn usable(choice: Option<&str>) -> Result<(Slot, Adapter), DeviceError> {
    if cfg!(not(feature = "gpu")) {
        return Err(DeviceError::NotBuilt("gpu"));
    }
    let (slot, adapter) = if let Some(choice) = choice {
        let (_, slot, adapter) = chosen(&listed(), choice)?;
        (slot, adapter)
    } else {
        let slot = PREFERRED.get().copied().unwrap_or_default();
        (slot, there(slot, probed(slot))?)
    };
    Ok((slot, device::hardware(adapter)?))
}

/// The card of this process where none is chosen, instead of the fastest.
static PREFERRED: OnceLock<Slot> = OnceLock::new();

/// Has this process compute on this card where none is chosen.
pub fn prefer(slot: Slot) {
    let _ = PREFERRED.set(slot);
}

/// The GPUs that a list names, each as `--device` would, or all that can be used, with their numbers.
///
/// # Errors
///
/// As [`usable`], of the first that cannot be.
pub fn several(choices: &[String]) -> Result<Vec<(usize, Slot)>, DeviceError> {
    let listed = listed();
    if choices == ["all"] {
        let cards = (0..).zip(listed).filter_map(|(number, (slot, adapter))| {
            device::hardware(adapter.ok()?).ok()?;
            Some((number, slot))
        });
        let cards: Vec<_> = cards.collect();
        return match &cards[..] {
            [] => Ok(vec![(0, usable(None)?.0)]),
            _ => Ok(cards),
        };
    }
    let card = |choice: &String| {
        let (number, slot, adapter) = chosen(&listed, choice)?;
        device::hardware(adapter).map(|_| (number, slot))
    };
    choices.iter().map(card).collect()
}

/// What [`usable`] gives where none is chosen, of the GPUs of this machine: the only one is the fastest,
/// and need not be started once more.
pub fn fastest(listed: &Listed) -> Result<Adapter, DeviceError> {
    match &listed[..] {
        [(_, only)] => device::hardware(only.clone()?),
        _ => usable(None).map(|(_, adapter)| adapter),
    }
}

/// Every GPU of this machine, in the order of their numbers; none where this build has no GPU.
pub fn listed() -> Listed {
    let kinds = Slot::kinds().into_iter();
    let kinds = kinds.filter(|_| cfg!(feature = "gpu"));
    let found =
        kinds.flat_map(|kind| of_kind((0..).map_while(kind).map(|slot| (slot, probed(slot)))));
    found
        .map(|(slot, tried)| (slot, there(slot, tried)))
        .collect()
}

/// Those of a kind, to the first that is not there or fails: a driver may fail at every number.
fn of_kind(tried: impl Iterator<Item = (Slot, Tried)>) -> impl Iterator<Item = (Slot, Tried)> {
    let mut failed = false;
    tried.take_while(move |(_, tried)| {
        let goes_on = !failed && !matches!(tried, Ok(None));
        failed = tried.is_err();
        goes_on
    })
}

/// The card of this number or name, with its number.
fn chosen(listed: &Listed, choice: &str) -> Result<(usize, Slot, Adapter), DeviceError> {
    let named = |(_, adapter): &(Slot, Result<Adapter, _>)| {
        let name = adapter.as_ref().map(|adapter| adapter.name.to_lowercase());
        name.is_ok_and(|name| name.contains(&choice.to_lowercase()))
    };
    let number = choice
        .parse()
        .ok()
        .or_else(|| listed.iter().position(named));
    let card = number.and_then(|number| Some((number, listed.get(number)?)));
    let (number, (slot, adapter)) =
        card.ok_or_else(|| DeviceError::NoAdapter(choice.to_owned()))?;
    Ok((number, *slot, adapter.clone()?))
}

fn there(slot: Slot, tried: Tried) -> Result<Adapter, DeviceError> {
    tried?.ok_or_else(|| DeviceError::NoAdapter(slot.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(name: &str) -> Adapter {
        Adapter {
            name: name.to_owned(),
            api: "Vulkan".to_owned(),
            driver: String::new(),
            software: false,
            shares_memory: false,
            largest_buffer: 1 << 30,
        }
    }

    #[test]
    fn cards_of_a_kind_end_with_the_first_that_is_not_there_or_fails() {
        let broken = || Err(DeviceError::Gpu("its driver crashes".into()));
        let endless = (0..).map(|number| (Slot::Discrete(number), broken()));
        assert_eq!(of_kind(endless).count(), 1);
        let two = (0..).map(|number| {
            let card = (number < 2).then(|| card("Iris Xe"));
            (Slot::Integrated(number), Ok(card))
        });
        assert_eq!(of_kind(two).count(), 2);
    }

    #[test]
    fn a_card_is_chosen_by_its_number_or_a_part_of_its_name() {
        let cards = || {
            vec![
                (Slot::Discrete(0), Ok(card("GeForce RTX 4090"))),
                (
                    Slot::Discrete(1),
                    Err(DeviceError::Gpu("its driver hangs".into())),
                ),
                (Slot::Integrated(0), Ok(card("Iris Xe"))),
            ]
        };
        let slot = |choice| chosen(&cards(), choice).map(|(_, slot, _)| slot);
        assert_eq!(slot("0"), Ok(Slot::Discrete(0)));
        assert_eq!(slot("2"), Ok(Slot::Integrated(0)));
        assert_eq!(slot("iris"), Ok(Slot::Integrated(0)));
        assert_eq!(slot("1"), Err(DeviceError::Gpu("its driver hangs".into())));
        for none in ["3", "radeon"] {
            assert_eq!(slot(none), Err(DeviceError::NoAdapter(none.into())));
        }
    }
}
