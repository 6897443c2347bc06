//! A picture in parts: tiles that own its pixels, each seen with a halo.
//!
//! A tile's features are those of the whole picture wherever the tile owns them, if the halo is at
//! least the network's receptive field. Sums over what each tile owns are then sums over the picture.

mod sides;
mod tiling;

use std::ops::Range;

pub use sides::{Sides, UnknownSides};
pub use tiling::Tiling;

/// Tiles begin at multiples of this many pixels, as the networks' four pools do.
pub const GRID: usize = 16;

/// A part of a picture or of a map, in rows and columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// From the first row to the one after the last.
    pub rows: Range<usize>,
    /// From the first column to the one after the last.
    pub columns: Range<usize>,
}

impl Area {
    /// All of a picture of `[height, width]`.
    pub fn all([height, width]: [usize; 2]) -> Self {
        Self {
            rows: 0..height,
            columns: 0..width,
        }
    }

    /// Number of positions.
    pub fn count(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// The same part after pools that halve both sides so often.
    fn halved(&self, halvings: u32) -> Self {
        let halved = |range: &Range<usize>| range.start >> halvings..range.end >> halvings;
        Self {
            rows: halved(&self.rows),
            columns: halved(&self.columns),
        }
    }

    /// The same part, counted from the corner of `outer`, which contains it.
    fn within(&self, outer: &Self) -> Self {
        let moved = |range: &Range<usize>, by: usize| range.start - by..range.end - by;
        Self {
            rows: moved(&self.rows, outer.rows.start),
            columns: moved(&self.columns, outer.columns.start),
        }
    }
}

/// What one pass of the network looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The picture's `[height, width]`.
    picture: [usize; 2],
    /// What counts as its own: every pixel belongs to one tile.
    owned: Area,
    /// What the network sees: the own part and its halo.
    pub seen: Area,
}

/// A tile at the resolution of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// `[height, width]` of the whole picture's map.
    pub map: [usize; 2],
    /// Where the own part lies in the whole picture's map.
    pub owned: Area,
    /// Where the own part lies in the map of what the tile sees.
    pub inside: Area,
    /// Whether the tile is the whole picture.
    pub is_whole: bool,
}

impl Tile {
    /// One tile for all of a picture of `[height, width]`.
    pub fn whole(picture: [usize; 2]) -> Self {
        Self {
            picture,
            owned: Area::all(picture),
            seen: Area::all(picture),
        }
    }

    /// Tiles of `side` pixels, rounded up to [`GRID`], and a `halo` around each, likewise.
    pub fn all(picture: [usize; 2], side: usize, halo: usize) -> Vec<Self> {
        let (side, halo) = on_grid(side, halo);
        let [rows, columns] = picture.map(|length| owned(length, side));
        let mut tiles = Vec::with_capacity(rows.len() * columns.len());
        for rows in rows {
            for columns in columns.clone() {
                let owned = Area {
                    rows: rows.clone(),
                    columns,
                };
                let seen = Area {
                    rows: with_halo(&owned.rows, halo, picture[0]),
                    columns: with_halo(&owned.columns, halo, picture[1]),
                };
                tiles.push(Self {
                    picture,
                    owned,
                    seen,
                });
            }
        }
        tiles
    }

    /// Whether the tile is the whole picture.
    pub fn is_whole(&self) -> bool {
        self.owned == Area::all(self.picture)
    }

    /// The tile in a map whose picture has been halved so often.
    pub fn window(&self, halvings: u32) -> Window {
        let owned = self.owned.halved(halvings);
        Window {
            map: self.picture.map(|length| length >> halvings),
            inside: owned.within(&self.seen.halved(halvings)),
            owned,
            is_whole: self.is_whole(),
        }
    }
}

/// A tile's side and halo as multiples of [`GRID`].
fn on_grid(side: usize, halo: usize) -> (usize, usize) {
    let side = side.max(1).next_multiple_of(GRID);
    (side, halo.next_multiple_of(GRID))
}

/// A length in pieces of `side`. A last piece too short for the deepest pool joins the one before.
fn owned(length: usize, side: usize) -> Vec<Range<usize>> {
    let mut starts: Vec<_> = (0..length).step_by(side).collect();
    if starts.len() > 1 && starts.last().is_some_and(|start| length - start < GRID) {
        starts.pop();
    }
    let ends = starts.iter().copied().skip(1).chain([length]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(a, b)| a..b)
        .collect()
}

fn with_halo(range: &Range<usize>, halo: usize, length: usize) -> Range<usize> {
    range.start.saturating_sub(halo)..(range.end + halo).min(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_position_of_every_layer_belongs_to_one_tile(
            height in 16_usize..300, width in 16_usize..300,
            side in 1_usize..200, halo in 0_usize..120, halvings in 0_u32..5,
        ) {
            let [rows, columns] = [height, width].map(|length| length >> halvings);
            let mut owners = vec![0; rows * columns];
            for tile in Tile::all([height, width], side, halo) {
                let window = tile.window(halvings);
                prop_assert_eq!(window.map, [rows, columns]);
                prop_assert_eq!(window.owned.count(), window.inside.count());
                for y in window.owned.rows {
                    for x in window.owned.columns.clone() {
                        owners[y * columns + x] += 1;
                    }
                }
            }
            prop_assert!(owners.iter().all(|&count| count == 1));
        }

        #[test]
        fn a_tile_sees_its_halo_as_far_as_there_is_a_picture(
            height in 16_usize..300, width in 16_usize..300, side in 1_usize..200,
        ) {
            for tile in Tile::all([height, width], side, 32) {
                let (owned, seen) = (&tile.owned, &tile.seen);
                for (owned, seen, length) in [
                    (&owned.rows, &seen.rows, height),
                    (&owned.columns, &seen.columns, width),
                ] {
                    prop_assert!(seen.start == 0 || owned.start - seen.start == 32);
                    prop_assert!(seen.end == length || seen.end - owned.end == 32);
                    prop_assert_eq!(seen.start % GRID, 0);
                }
            }
        }
    }

    #[test]
    fn a_tile_as_large_as_the_picture_is_the_whole() {
        assert_eq!(Tile::all([40, 33], 48, 112), [Tile::whole([40, 33])]);
        assert!(Tile::whole([40, 33]).window(2).is_whole);
    }
}
