use std::fmt;
use std::str::FromStr;

use crate::picture::fit_long_side;

/// Longest side a result may have, in pixels.
pub(super) const LONGEST: usize = 65535;

/// How large a picture becomes; its aspect ratio stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// The long side, in pixels: `512`.
    Long(usize),
    /// The width, in pixels: `1024x`.
    Width(usize),
    /// The height, in pixels: `x768`.
    Height(usize),
    /// The area, in pixels: `0.5MP`.
    Area(f64),
}

impl Size {
    /// Width and height, in pixels, of a picture of `width` x `height` at this size, each side at
    /// least 1.
    pub fn of(self, width: usize, height: usize) -> (usize, usize) {
        let (w, h) = (width.max(1) as f64, height.max(1) as f64);
        let side = |v: f64| (v.round_ties_even() as usize).max(1);
        match self {
            Self::Long(n) => fit_long_side(width, height, n),
            Self::Width(n) => (n, side(h * n as f64 / w)),
            Self::Height(n) => (side(w * n as f64 / h), n),
            Self::Area(n) => (side((n * w / h).sqrt()), side((n * h / w).sqrt())),
        }
    }

    /// The same kind of size with every length multiplied.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let times = |n: usize| ((n as f64 * factor).round() as usize).max(1);
        match self {
            Self::Long(n) => Self::Long(times(n)),
            Self::Width(n) => Self::Width(times(n)),
            Self::Height(n) => Self::Height(times(n)),
            Self::Area(n) => Self::Area((n * factor * factor).max(1.0)),
        }
    }

    /// The same kind of size with a length of `n` pixels: that of the side it is about, or of a
    /// square of its area.
    #[must_use]
    pub fn with_length(self, n: usize) -> Self {
        match self {
            Self::Long(_) => Self::Long(n),
            Self::Width(_) => Self::Width(n),
            Self::Height(_) => Self::Height(n),
            Self::Area(_) => Self::Area((n * n) as f64),
        }
    }

    /// The length, in pixels, that [`Self::with_length`] takes, rounded down.
    pub fn length(self) -> usize {
        match self {
            Self::Long(n) | Self::Width(n) | Self::Height(n) => n,
            Self::Area(area) => area.sqrt() as usize,
        }
    }

    /// Whether a picture could have it.
    pub fn is_possible(self) -> bool {
        match self {
            Self::Long(n) | Self::Width(n) | Self::Height(n) => (1..=LONGEST).contains(&n),
            Self::Area(n) => n >= 1.0 && n <= (LONGEST * LONGEST) as f64,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Long(n) => write!(f, "{n}"),
            Self::Width(n) => write!(f, "{n}x"),
            Self::Height(n) => write!(f, "x{n}"),
            Self::Area(n) => write!(f, "{}MP", n / 1e6),
        }
    }
}

/// The text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no size: use 512 (long side), 1024x (width), x768 (height) or 0.5MP (area)")]
pub struct UnknownSize(pub String);

impl FromStr for Size {
    type Err = UnknownSize;

    fn from_str(text: &str) -> Result<Self, UnknownSize> {
        let number = |digits: &str| digits.parse::<usize>().ok();
        let size = if let Some(area) = text.strip_suffix("MP").or(text.strip_suffix("mp")) {
            area.parse().ok().map(|area: f64| Self::Area(area * 1e6))
        } else if let Some(width) = text.strip_suffix('x') {
            number(width).map(Self::Width)
        } else if let Some(height) = text.strip_prefix('x') {
            number(height).map(Self::Height)
        } else {
            number(text).map(Self::Long)
        };
        size.filter(|size| !matches!(size, Self::Area(area) if !area.is_finite()))
            .ok_or_else(|| UnknownSize(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_keep_the_aspect_ratio() {
        for (text, expected) in [
            ("512", (512, 384)),
            ("1024x", (1024, 768)),
            ("x768", (1024, 768)),
            ("0.75MP", (1000, 750)),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size.of(2000, 1500), expected, "{text}");
            assert_eq!(size.to_string(), text);
        }
    }

    #[test]
    fn a_size_of_the_same_kind_has_another_length() {
        for (text, other) in [
            ("512", "30"),
            ("1024x", "30x"),
            ("x768", "x30"),
            ("0.25MP", "0.0009MP"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size.with_length(30).to_string(), other);
            assert_eq!(size.with_length(size.length()), size);
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "x", "MP", "-1", "1e3", "nanMP", "infMP", "12x34", "0.5"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        assert!(!Size::Long(0).is_possible());
        assert!(!Size::Area(-5.0).is_possible());
    }
}
