use std::fmt;
use std::str::FromStr;

use nst::job::Size;

/// How large the result becomes, as `--size` has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ResultSize {
    /// The photo's shape is kept.
    Kept(Size),
    /// This width and height, in pixels: the photo fills them, and what is beyond is cut off.
    Filled(usize, usize),
}

impl ResultSize {
    /// The size in a job whose photo has the result's shape.
    pub fn of_job(self) -> Size {
        match self {
            Self::Kept(size) => size,
            Self::Filled(width, height) => Size::Long(width.max(height)),
        }
    }

    /// Width and height, where they do not depend on the photo.
    pub fn filled(self) -> Option<(usize, usize)> {
        match self {
            Self::Kept(_) => None,
            Self::Filled(width, height) => Some((width, height)),
        }
    }
}

impl fmt::Display for ResultSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept(size) => size.fmt(f),
            Self::Filled(width, height) => write!(f, "{width}x{height}"),
        }
    }
}

impl FromStr for ResultSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |digits: &str| digits.parse().ok().filter(|&side: &usize| side >= 1);
        if let Some((width, height)) = text.split_once('x')
            && let (Some(width), Some(height)) = (side(width), side(height))
        {
            return Ok(Self::Filled(width, height));
        }
        let kept = text.parse().map(Self::Kept);
        kept.map_err(|error| format!("{error}, or 1024x768, which the photo is cut to fill"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_or_one_are_read_and_written() {
        for text in ["512", "1024x", "x768", "0.5MP"] {
            let size: ResultSize = text.parse().unwrap();
            assert_eq!((size.filled(), size.to_string().as_str()), (None, text));
        }
        let both: ResultSize = "1024x768".parse().unwrap();
        assert_eq!(both.filled(), Some((1024, 768)));
        assert_eq!(both.of_job(), Size::Long(1024));
        assert_eq!(both.to_string(), "1024x768");
        for text in ["0x768", "1024x0", "x", "1x2x3", "-1x5", ""] {
            assert!(text.parse::<ResultSize>().is_err(), "{text}");
        }
    }
}
