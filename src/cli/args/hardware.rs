use bytesize::ByteSize;
use clap::Args;
use nst::device::{self, Backend};
use nst::tiles::Sides;

use super::choice::choice;
use super::role::{Role, Roles};

#[derive(Args, Debug)]
#[command(next_help_heading = "Hardware")]
pub struct Hardware {
    /// Where to compute: ndarray is slow, a check; auto is the GPU if there is a real one
    #[arg(long, value_name = "NAME", default_value_t = Backend::Cpu, value_parser = choice::<Backend>())]
    pub backend: Backend,

    /// Which graphics card, by its number or a part of its name in `nst devices` [default: the fastest]
    #[arg(long, value_name = "N|NAME")]
    pub device: Option<String>,

    /// Most memory to take, such as 4GiB: the card's with --backend gpu [default: what is free]
    #[arg(long, value_name = "SIZE")]
    pub max_memory: Option<ByteSize>,

    /// Paint in tiles of this side, in pixels: the same picture up to rounding, in less memory and
    /// more time; after commas, those of coarser scales, the next one first, such as 512,1024,none
    /// [default: as a whole, or the largest that fit the memory]
    #[arg(long, value_name = "N")]
    pub tile: Option<Sides>,

    /// Make the picture smaller where it would take more memory than that even in tiles
    #[arg(long)]
    pub fit: bool,

    /// Number of CPU threads [default: the physical cores that this process may use]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

impl Hardware {
    /// What each flag does.
    pub(super) const ROLES: Roles = &[
        (Role::Picture, &["backend", "tile"]),
        (Role::Run, &["device", "max-memory", "fit", "threads"]),
    ];

    /// Number of CPU threads, with its default.
    pub fn threads(&self) -> usize {
        let given = self.threads.map(usize::from);
        given.unwrap_or_else(device::threads)
    }
}
