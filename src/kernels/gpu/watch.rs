//! What a graphics card is given to do, and the memory it holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use burn::backend::DispatchDevice;
use burn::tensor::Device;
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::MemoryScope;
use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::config::{TypeNameFormatLevel, type_name_format};
use burn_cubecl::cubecl::logging::{
    LaunchObservation, LaunchObserver, TimingMethod, TimingRequest,
};

use super::winograd;

/// How often a kernel was launched, and how long it took where that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Launches {
    /// Launches.
    pub count: usize,
    /// Time of all of them on the device, or with their submission where it cannot tell.
    pub time: Duration,
}

/// Bytes of a graphics card's memory that this process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardMemory {
    /// In buffers that are alive.
    pub in_use: u64,
    /// Taken from the driver, for these and the next.
    pub reserved: u64,
}

#[derive(Debug)]
struct Watch {
    timing: TimingRequest,
    seen: Mutex<BTreeMap<&'static str, Launches>>,
}

impl Watch {
    fn note(&self, kernel: &'static str, change: impl FnOnce(&mut Launches)) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        change(seen.entry(kernel).or_default());
    }
}

impl LaunchObserver for Watch {
    fn launched(&self, kernel: &'static str) {
        self.note(kernel, |launches| launches.count += 1);
    }

    fn timing(&self) -> TimingRequest {
        self.timing
    }

    fn timed(&self, kernel: &'static str, duration: Duration, _: TimingMethod) {
        self.note(kernel, |launches| launches.time += duration);
    }
}

/// The kernels that `work` launches on any card, by name. With `timed`, one runs at a time.
pub fn launches<T>(timed: bool, work: impl FnOnce() -> T) -> (T, BTreeMap<String, Launches>) {
    let timing = if timed {
        TimingRequest::Resolved
    } else {
        TimingRequest::None
    };
    let seen = Mutex::default();
    let watch = Arc::new(Watch { timing, seen });
    let watching = LaunchObservation::new(watch.clone());
    let result = work();
    drop(watching);
    let seen = watch.seen.lock().unwrap_or_else(PoisonError::into_inner);
    let mut named = BTreeMap::<String, Launches>::new();
    // Kernels of several modules may have one short name.
    for (kernel, launches) in seen.iter() {
        let sum = named
            .entry(type_name_format(kernel, TypeNameFormatLevel::Short))
            .or_default();
        sum.count += launches.count;
        sum.time += launches.time;
    }
    (result, named)
}

/// The memory that this process holds on a device, if that is a graphics card.
pub fn memory(device: &Device) -> Option<CardMemory> {
    let usage = client(device)?.memory_report(MemoryScope::Device).usage();
    Some(CardMemory {
        in_use: usage.bytes_in_use,
        reserved: usage.bytes_reserved,
    })
}

/// Whether Winograd's way is the faster one on a device, if that is a graphics card. The first time in a
/// process both are timed, unless [`assume_winograd`] has said it.
pub fn winograd_pays(device: &Device) -> Option<bool> {
    cube(device).map(|card| winograd::pays(&card))
}

/// Spares this process the timing of a graphics card whose answer another process has found.
pub fn assume_winograd(device: &Device, pays: bool) {
    if let Some(card) = cube(device) {
        winograd::assume(&card, pays);
    }
}

fn client(device: &Device) -> Option<Client> {
    cube(device).map(|card| card.client())
}

fn cube(device: &Device) -> Option<CubeDevice> {
    match device.clone().without_autodiff().as_dispatch() {
        DispatchDevice::Cube(card) => Some(card.clone()),
        _ => None,
    }
}
