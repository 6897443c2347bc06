use super::{Tile, on_grid, owned, with_halo};

/// Work of a step over several tiles, as against one over a picture as a whole, where every pixel is
/// seen once: forward twice and backward once, each as much as the other.
const TWICE_FORWARD: f64 = 1.5;

/// How pictures are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tiling {
    /// Side of a tile, in pixels; none for no tiles at all.
    pub side: Option<usize>,
    /// Pixels around a tile that the network sees too: its reach at least.
    pub halo: usize,
}

impl Tiling {
    /// The tiles of a picture of `[height, width]`, from the top left.
    pub fn of(self, picture: [usize; 2]) -> Vec<Tile> {
        match self.side {
            Some(side) => Tile::all(picture, side, self.halo),
            None => vec![Tile::whole(picture)],
        }
    }

    /// The most rows and columns of a picture of `[height, width]` that the network sees at once.
    pub fn most_seen(self, picture: [usize; 2]) -> [usize; 2] {
        picture.map(|length| self.seen(length).into_iter().max().unwrap_or(0))
    }

    /// How many times the work of the whole picture a step is.
    pub fn work(self, picture: [usize; 2]) -> f64 {
        let seen = picture.map(|length| self.seen(length));
        if seen.iter().all(|pieces| pieces.len() == 1) {
            return 1.0;
        }
        let share = |(pieces, length): (&Vec<usize>, usize)| {
            pieces.iter().sum::<usize>() as f64 / length as f64
        };
        TWICE_FORWARD * seen.iter().zip(picture).map(share).product::<f64>()
    }

    /// What every tile sees of a side of `length` pixels.
    fn seen(self, length: usize) -> Vec<usize> {
        let Some(side) = self.side else {
            return vec![length];
        };
        let (side, halo) = on_grid(side, self.halo);
        let pieces = owned(length, side).into_iter();
        pieces
            .map(|piece| with_halo(&piece, halo, length).len())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_seen_is_that_of_the_tiles(
            height in 16_usize..300, width in 16_usize..300,
            side in 1_usize..200, halo in 0_usize..120,
        ) {
            let tiling = Tiling { side: Some(side), halo };
            let tiles = tiling.of([height, width]);
            let most = |of: fn(&Tile) -> usize| tiles.iter().map(of).max().unwrap();
            let rows = most(|tile| tile.seen.rows.len());
            let columns = most(|tile| tile.seen.columns.len());
            prop_assert_eq!(tiling.most_seen([height, width]), [rows, columns]);
            let seen: usize = tiles.iter().map(|tile| tile.seen.count()).sum();
            let times = if tiles.len() == 1 { 1.0 } else { TWICE_FORWARD };
            let expected = times * seen as f64 / (height * width) as f64;
            prop_assert!((tiling.work([height, width]) / expected - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_picture_without_tiles_is_seen_once() {
        let whole = Tiling::default();
        assert_eq!(whole.most_seen([30, 40]), [30, 40]);
        assert!((whole.work([30, 40]) - 1.0).abs() < f64::EPSILON);
    }
}
