use std::fmt;
use std::str::FromStr;

/// Sides of the tiles at every scale, in pixels, from the last scale to coarser ones, which have the
/// last of them. None is a scale painted as a whole; so are all, where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sides(Vec<Option<usize>>);

/// A text that names no sides.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "give a side in pixels, or none; after commas those of coarser scales, the next one first, such as 512,1024,none"
)]
pub struct UnknownSides;

impl Sides {
    /// The side at a scale, so many before the last one.
    pub fn at(&self, before_last: usize) -> Option<usize> {
        let last = self.0.len().saturating_sub(1);
        self.0.get(before_last.min(last)).copied().flatten()
    }

    /// Whether nothing is said of any scale.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The smallest side, if any scale has tiles.
    pub fn smallest(&self) -> Option<usize> {
        self.0.iter().copied().flatten().min()
    }
}

impl FromIterator<Option<usize>> for Sides {
    fn from_iter<T: IntoIterator<Item = Option<usize>>>(sides: T) -> Self {
        let mut sides: Vec<_> = sides.into_iter().collect();
        while let [.., before, last] = sides[..]
            && before == last
        {
            sides.pop();
        }
        Self(sides)
    }
}

/// Tiles of this side at every scale.
impl From<usize> for Sides {
    fn from(side: usize) -> Self {
        Self(vec![Some(side)])
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |side: &Option<usize>| side.map_or("none".to_owned(), |side| side.to_string());
        let sides: Vec<_> = self.0.iter().map(one).collect();
        f.write_str(if sides.is_empty() { "none" } else { "" })?;
        f.write_str(&sides.join(","))
    }
}

impl FromStr for Sides {
    type Err = UnknownSides;

    fn from_str(text: &str) -> Result<Self, UnknownSides> {
        let one = |side: &str| match side {
            "none" => Ok(None),
            side => side.parse().map(Some).map_err(|_| UnknownSides),
        };
        text.split(',').map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarser_scales_have_the_last_side_that_is_given() {
        let sides: Sides = "352,1024,none".parse().unwrap();
        let found: Vec<_> = (0..5).map(|k| sides.at(k)).collect();
        assert_eq!(found, [Some(352), Some(1024), None, None, None]);
        assert_eq!(
            (Sides::from(64).at(7), Sides::default().at(7)),
            (Some(64), None)
        );
    }

    #[test]
    fn what_is_printed_is_read_back_without_repetitions() {
        for (given, expected) in [
            ("352,1024,none,none", "352,1024,none"),
            ("64,64,64", "64"),
            ("none", "none"),
        ] {
            let sides: Sides = given.parse().unwrap();
            assert_eq!(sides.to_string(), expected);
            assert_eq!(expected.parse(), Ok(sides));
        }
        assert_eq!(Sides::default().to_string(), "none");
        for unknown in ["", "12px", "1,,2", "-4"] {
            assert_eq!(unknown.parse::<Sides>(), Err(UnknownSides));
        }
    }
}
