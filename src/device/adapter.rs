//! Graphics adapters, and starting one.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use super::DeviceError;

/// A graphics adapter as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(serde::Deserialize, serde::Serialize))]
pub struct Adapter {
    /// Name of the card or chip.
    pub name: String,
    /// Graphics interface, such as Vulkan or Metal.
    pub api: String,
    /// Driver and its version; may be empty.
    pub driver: String,
    /// Emulated on the CPU.
    pub software: bool,
    /// Computes in the machine's memory, having none of its own.
    pub shares_memory: bool,
    /// The most bytes that a kernel can see of one buffer.
    pub largest_buffer: u64,
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.name, self.api)?;
        if !self.driver.is_empty() {
            write!(f, ", {}", self.driver)?;
        }
        f.write_str(if self.software { ", software)" } else { ")" })
    }
}

/// Which of a machine's graphics adapters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slot {
    /// The one that the graphics interface takes for the fastest.
    #[default]
    Best,
    /// A card of its own: the first is number 0, as in every kind.
    Discrete(usize),
    /// A part of the processor.
    Integrated(usize),
    /// Of a virtual machine.
    Virtual(usize),
    /// Emulated on the CPU.
    Software,
}

impl Slot {
    /// The slots that may be there, kind by kind, each kind's first one first.
    pub fn kinds() -> [fn(usize) -> Option<Self>; 4] {
        [
            |number| Some(Self::Discrete(number)),
            |number| Some(Self::Integrated(number)),
            |number| Some(Self::Virtual(number)),
            |number| (number == 0).then_some(Self::Software),
        ]
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("best"),
            Self::Discrete(number) => write!(f, "discrete-{number}"),
            Self::Integrated(number) => write!(f, "integrated-{number}"),
            Self::Virtual(number) => write!(f, "virtual-{number}"),
            Self::Software => f.write_str("software"),
        }
    }
}

impl FromStr for Slot {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let (kind, number) = text.split_once('-').unwrap_or((text, "0"));
        let unknown = || DeviceError::NoAdapter(text.to_owned());
        let number = number.parse().map_err(|_| unknown())?;
        match kind {
            "best" => Ok(Self::Best),
            "discrete" => Ok(Self::Discrete(number)),
            "integrated" => Ok(Self::Integrated(number)),
            "virtual" => Ok(Self::Virtual(number)),
            "software" => Ok(Self::Software),
            _ => Err(unknown()),
        }
    }
}

/// Starts a graphics adapter and says what it is. Starts its driver, once, which can crash the process
/// on a broken machine: probe it in a child process first. A software adapter is returned like any
/// other; [`hardware`] turns it away.
///
/// # Errors
///
/// If this build lacks the backend, there is no such adapter, or it does not start.
pub fn gpu(slot: Slot) -> Result<(Device, Adapter), DeviceError> {
    #[cfg(feature = "gpu")]
    return started::gpu(slot);
    #[cfg(not(feature = "gpu"))]
    {
        let _ = slot;
        Err(DeviceError::NotBuilt("gpu"))
    }
}

/// Turns away an adapter that a driver emulates on the CPU, unless `NST_SOFTWARE_GPU` is set.
///
/// # Errors
///
/// [`DeviceError::Software`].
pub fn hardware(adapter: Adapter) -> Result<Adapter, DeviceError> {
    if adapter.software && std::env::var_os("NST_SOFTWARE_GPU").is_none() {
        return Err(DeviceError::Software(adapter.to_string()));
    }
    Ok(adapter)
}

#[cfg(feature = "gpu")]
mod started {
    use burn::tensor::wgpu::{WgpuInitError, wgpu};
    use burn::tensor::{Device, DeviceKind};

    use super::{Adapter, DeviceError, Slot};
    use crate::memo::Memo;

    type Started = Result<(Device, Adapter), DeviceError>;

    /// An adapter starts once in a process.
    pub fn gpu(slot: Slot) -> Started {
        static STARTED: Memo<Slot, Started> = Memo::new();
        STARTED.get(slot, |&slot| start(slot))
    }

    fn start(slot: Slot) -> Started {
        let kind = match slot {
            Slot::Best => DeviceKind::DefaultDevice,
            Slot::Discrete(number) => DeviceKind::DiscreteGpu(number),
            Slot::Integrated(number) => DeviceKind::IntegratedGpu(number),
            Slot::Virtual(number) => DeviceKind::VirtualGpu(number),
            Slot::Software => DeviceKind::Cpu,
        };
        let options = Device::wgpu_options().device_kind(kind);
        let (device, setup) = options.init_with_setup().map_err(|error| match error {
            WgpuInitError::AdapterUnavailable { .. } if slot != Slot::Best => {
                DeviceError::NoAdapter(slot.to_string())
            }
            error => DeviceError::Gpu(error.to_string()),
        })?;
        let info = setup.adapter.get_info();
        let limits = setup.device.limits();
        let adapter = Adapter {
            name: info.name,
            api: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info)
                .trim()
                .to_owned(),
            software: info.device_type == wgpu::DeviceType::Cpu,
            shares_memory: matches!(
                info.device_type,
                wgpu::DeviceType::IntegratedGpu | wgpu::DeviceType::Cpu
            ),
            largest_buffer: limits
                .max_storage_buffer_binding_size
                .min(limits.max_buffer_size),
        };
        Ok((device, adapter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_is_read_as_it_is_printed() {
        let kinds = Slot::kinds().into_iter();
        let slots = kinds.flat_map(|kind| (0..3).filter_map(kind));
        for slot in slots.chain([Slot::Best]) {
            assert_eq!(slot.to_string().parse(), Ok(slot));
        }
        for unknown in ["", "discrete-x", "fast-0"] {
            assert!(unknown.parse::<Slot>().is_err(), "{unknown}");
        }
    }
}
