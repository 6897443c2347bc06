//! Which part of a map a workgroup and each of its units compute.

use burn_cubecl::cubecl;
use cubecl::client::Client;
use cubecl::prelude::*;

use super::super::engine::Size;

/// The shape of a workgroup's work; a kernel is compiled for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Blocks of two rows in a tile.
    pub rows: usize,
    /// Blocks of four columns in a tile.
    pub columns: usize,
    /// Groups of eight output channels in a tile.
    pub groups: usize,
    /// Quads of input channels that are fetched at once.
    pub quads: usize,
    /// 1 for 3x3 filters, 0 for 1x1.
    pub reach: usize,
}

impl Tile {
    /// What suits a product with this many output channels over such a map on a card. The first
    /// needs 21 KiB of shared memory, the others less than the 16 that every card has. On an NVIDIA
    /// H200 the three of a wide layer reached 36, 35 and 33 TFLOP/s.
    pub fn of(outputs: usize, [height, width]: Size, reach: usize, client: &Client) -> Self {
        let hardware = &client.properties().hardware;
        let (shared, units) = (hardware.max_shared_memory_size, hardware.max_units_per_cube);
        let (rows, columns, groups, quads) = match outputs {
            0..=8 => (8, 8, 1, 1),
            _ if shared >= 24 << 10 && units >= 256 => (4, 8, 8, 2),
            _ if units >= 256 => (8, 4, 8, 1),
            _ => (4, 4, 8, 2),
        };
        let enough = |length: usize, most: usize| length.next_power_of_two().min(most);
        Self {
            rows: enough(height.div_ceil(2), rows),
            columns: enough(width.div_ceil(4), columns),
            groups,
            quads,
            reach,
        }
    }

    /// Units of a workgroup.
    pub fn units(self) -> usize {
        self.rows * self.columns * self.groups
    }

    /// Positions of a filter.
    pub fn taps(self) -> usize {
        (2 * self.reach + 1).pow(2)
    }

    pub fn patch_rows(self) -> usize {
        2 * (self.rows + self.reach)
    }

    /// Quads of columns of a patch.
    pub fn patch_columns(self) -> usize {
        self.columns + self.reach
    }

    /// Places of a patch: each holds a quad of channels of four columns.
    pub fn places(self) -> usize {
        self.quads * self.patch_rows() * self.patch_columns()
    }

    /// Quads of the filters of four input channels.
    pub fn filters(self) -> usize {
        4 * self.taps() * 2 * self.groups
    }

    /// Workgroups for a map.
    pub fn count(self, height: usize, width: usize, outputs: usize) -> CubeCount {
        let count = |length: usize, tile: usize| length.div_ceil(tile) as u32;
        CubeCount::Static(
            count(width, 4 * self.columns),
            count(height, 2 * self.rows),
            count(outputs, 8 * self.groups),
        )
    }
}

/// A map's size in pixels, and the channels of what is fetched and of what is computed.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub struct Sizes {
    pub height: u32,
    pub width: u32,
    pub inputs: u32,
    pub outputs: u32,
}

/// Where a unit works.
#[derive(CubeType, Clone, Copy)]
pub struct Spot {
    /// First row and column of its block.
    pub y: u32,
    pub x: u32,
    /// Its block in the tile.
    pub row: u32,
    pub column: u32,
    /// Its group of eight channels in the tile, and in the map.
    pub group: u32,
    pub channels: u32,
}

/// Where this unit works.
#[cube]
pub fn spot(#[comptime] tile: Tile) -> Spot {
    let groups = comptime!(tile.groups as u32);
    let columns = comptime!(tile.columns as u32);
    let group = UNIT_POS % groups;
    let block = UNIT_POS / groups;
    let (row, column) = (block / columns, block % columns);
    Spot {
        y: (CUBE_POS_Y * comptime!(tile.rows as u32) + row) * 2,
        x: (CUBE_POS_X * columns + column) * 4,
        row,
        column,
        group,
        channels: CUBE_POS_Z * groups + group,
    }
}

/// Where a unit works that belongs to no tile.
#[cube]
pub fn alone(y: u32, x: u32, channels: u32) -> Spot {
    Spot {
        y,
        x,
        row: 0u32,
        column: 0u32,
        group: 0u32,
        channels,
    }
}
