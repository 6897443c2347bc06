//! Tiles of a map, and the rows of an output that a thread owns.

/// How a map is covered by tiles of 4 x 4 pixels.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Height of the map in pixels.
    pub height: usize,
    /// Width of the map in pixels.
    pub width: usize,
}

impl Grid {
    /// Tiles in a row.
    pub fn across(self) -> usize {
        self.width.div_ceil(4)
    }

    /// Rows of tiles.
    pub fn down(self) -> usize {
        self.height.div_ceil(4)
    }

    /// Row and column, in tiles, of a tile's number.
    pub fn place(self, tile: usize) -> [usize; 2] {
        [tile / self.across(), tile % self.across()]
    }
}

/// Some rows of an output map that one thread owns, with their bits.
pub struct Rows<'a> {
    /// Channels-last values, of pooled rows where there is a pool.
    pub out: &'a mut [f32],
    /// Bits of the rows before the pool; empty where none are made.
    pub bits: &'a mut [u16],
    /// The first row, before the pool.
    pub first: usize,
}

/// An output map with its bits, and how much of both a row of tiles fills.
pub struct Destination<'a> {
    /// Channels-last values, of pooled rows where there is a pool.
    pub out: &'a mut [f32],
    /// Floats of `out` in a row of tiles.
    pub out_row: usize,
    /// Bits of the rows before the pool; empty where none are made.
    pub bits: &'a mut [u16],
    /// Words of `bits` in a row of tiles.
    pub bits_row: usize,
}

impl<'a> Destination<'a> {
    /// Cuts it into pieces of `rows` rows of tiles, of which there are `down` in all; the last
    /// piece may be shorter, or empty where the pool drops its pixels.
    pub fn split(self, rows: usize, down: usize) -> Vec<Destination<'a>> {
        let (mut out, mut bits) = (self.out, self.bits);
        (0..down.div_ceil(rows))
            .map(|_| {
                let floats = (self.out_row * rows).min(out.len());
                let words = (self.bits_row * rows).min(bits.len());
                Destination {
                    out: out.split_off_mut(..floats).expect("within the length"),
                    out_row: self.out_row,
                    bits: bits.split_off_mut(..words).expect("within the length"),
                    bits_row: self.bits_row,
                }
            })
            .collect()
    }

    /// Its rows, the first of which is row `first` of the map.
    pub fn rows(&mut self, first: usize) -> Rows<'_> {
        Rows {
            out: self.out,
            bits: self.bits,
            first,
        }
    }
}
