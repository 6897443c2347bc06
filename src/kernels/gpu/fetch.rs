//! From maps and filters to shared memory.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

use super::super::cpu::layer::Pool;
use super::Quad;
use super::tile::{Sizes, Tile};

/// The quad of channels `quad` of the pixel at (y, x), zero beyond the map.
#[cube]
pub fn pixel(map: &[Quad], sizes: &Sizes, y: u32, x: u32, quad: u32) -> Quad {
    let quads = sizes.inputs.div_ceil(4);
    let mut value = Quad::new(0.0);
    if y < sizes.height && x < sizes.width && quad < quads {
        value = map[((y * sizes.width + x) * quads + quad) as usize];
    }
    value
}

/// Where the bits of a block of 2x4 pixels and eight channels lie, for its upper row.
#[cube]
pub fn word(width: u32, channels: u32, y: u32, x: u32, group: u32) -> u32 {
    let blocks = width.div_ceil(4);
    let groups = channels.div_ceil(8);
    (((y / 2) * blocks + x / 4) * groups + group) * 2
}

/// The gradient that passes a `ReLU` and a pool, at one pixel before them.
#[cube]
pub fn passed(
    gradient: &[Quad],
    bits: &[u32],
    sizes: &Sizes,
    y: u32,
    x: u32,
    quad: u32,
    #[comptime] pool: Pool,
) -> Quad {
    let quads = sizes.inputs.div_ceil(4);
    let mut value = Quad::new(0.0);
    if y < sizes.height && x < sizes.width && quad < quads {
        let at = word(sizes.width, sizes.inputs, y, x, quad / 2) + y % 2;
        let open = bits[at as usize] >> ((x % 4) * 8 + (quad % 2) * 4);
        let mut source = y * sizes.width + x;
        let mut inside = true;
        if comptime!(pool != Pool::None) {
            let (h, w) = (sizes.height / 2, sizes.width / 2);
            source = (y / 2) * w + x / 2;
            inside = y / 2 < h && x / 2 < w;
        }
        if inside && open & 15 != 0 {
            let mut given = gradient[(source * quads + quad) as usize];
            if comptime!(pool == Pool::Average) {
                given *= Quad::new(0.25);
            }
            #[unroll]
            for k in 0..4usize {
                let keep = (open >> comptime!(k as u32)) & 1 == 1;
                value.insert(k, select(keep, given.extract(k), 0.0));
            }
        }
    }
    value
}

/// Four quads of channels of four pixels become four quads of pixels, one for each channel.
#[cube]
fn transpose(a: Quad, b: Quad, c: Quad, d: Quad, #[comptime] k: usize) -> Quad {
    let mut out = Quad::new(0.0);
    out.insert(0usize, a.extract(k));
    out.insert(1usize, b.extract(k));
    out.insert(2usize, c.extract(k));
    out.insert(3usize, d.extract(k));
    out
}

/// Where the patch's item lies: row, first column and quad of channels in the map.
#[cube]
fn place(item: u32, chunk: u32, #[comptime] tile: Tile) -> (u32, u32, u32) {
    let quads = comptime!(tile.quads as u32);
    let across = comptime!(tile.patch_columns() as u32);
    let reach = comptime!(tile.reach as u32);
    let spot = item / quads;
    // Below zero these wrap to numbers beyond any map.
    let y = CUBE_POS_Y * comptime!(2 * tile.rows as u32) + spot / across - reach;
    let x = CUBE_POS_X * comptime!(4 * tile.columns as u32) + (spot % across) * 4 - reach;
    (y, x, chunk * quads + item % quads)
}

/// Puts a quad of channels of four pixels into the patch.
#[cube]
fn put(patch: &mut Shared<[Quad]>, four: &Array<Quad>, item: u32, #[comptime] tile: Tile) {
    let quads = comptime!(tile.quads as u32);
    let plane = comptime!((tile.patch_columns() * tile.patch_rows()) as u32);
    #[unroll]
    for k in 0..4usize {
        let channel = (item % quads) * 4 + comptime!(k as u32);
        patch[(channel * plane + item / quads) as usize] =
            transpose(four[0usize], four[1usize], four[2usize], four[3usize], k);
    }
}

#[cube]
pub fn map(
    patch: &mut Shared<[Quad]>,
    map: &[Quad],
    sizes: &Sizes,
    chunk: u32,
    #[comptime] tile: Tile,
) {
    #[unroll]
    for turn in 0..comptime!(tile.places().div_ceil(tile.units())) {
        let item = UNIT_POS + comptime!((turn * tile.units()) as u32);
        if item < comptime!(tile.places() as u32) {
            let (y, x, quad) = place(item, chunk, tile);
            let mut four = Array::<Quad>::new(4usize);
            #[unroll]
            for k in 0..4usize {
                four[k] = pixel(map, sizes, y, x + comptime!(k as u32), quad);
            }
            put(patch, &four, item, tile);
        }
    }
}

#[cube]
pub fn gradient(
    patch: &mut Shared<[Quad]>,
    gradient: &[Quad],
    bits: &[u32],
    sizes: &Sizes,
    chunk: u32,
    #[comptime] pool: Pool,
    #[comptime] tile: Tile,
) {
    #[unroll]
    for turn in 0..comptime!(tile.places().div_ceil(tile.units())) {
        let item = UNIT_POS + comptime!((turn * tile.units()) as u32);
        if item < comptime!(tile.places() as u32) {
            let (y, x, quad) = place(item, chunk, tile);
            let mut four = Array::<Quad>::new(4usize);
            #[unroll]
            for k in 0..4usize {
                four[k] = passed(
                    gradient,
                    bits,
                    sizes,
                    y,
                    x + comptime!(k as u32),
                    quad,
                    pool,
                );
            }
            put(patch, &four, item, tile);
        }
    }
}

/// Copies the filters of four input channels of the tile's output channels.
#[cube]
pub fn filters(
    shared: &mut Shared<[Quad]>,
    filters: &[Quad],
    sizes: &Sizes,
    first: u32,
    #[comptime] tile: Tile,
) {
    let units = comptime!(tile.units() as u32);
    let wide = comptime!(2 * tile.groups as u32);
    let taps = comptime!(tile.taps() as u32);
    let quads = sizes.outputs.div_ceil(4);
    let count = comptime!(tile.filters() as u32);
    #[unroll]
    for turn in 0..comptime!(tile.filters().div_ceil(tile.units())) {
        let item = UNIT_POS + comptime!(turn as u32) * units;
        if item < count {
            let row = item / wide;
            let quad = CUBE_POS_Z * wide + item % wide;
            let channel = first + row / taps;
            let mut value = Quad::new(0.0);
            if channel < sizes.inputs && quad < quads {
                value = filters[((channel * taps + row % taps) * quads + quad) as usize];
            }
            shared[item as usize] = value;
        }
    }
}
