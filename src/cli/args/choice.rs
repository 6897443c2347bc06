use clap::builder::{PossibleValuesParser, TypedValueParser};
use nst::Named;
use nst::job::Size;

/// Reads a setting of a few choices, which help and completions list.
pub fn choice<T: Named + Clone + Send + Sync + 'static>() -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(T::NAMES).try_map(|name| name.parse())
}

/// Reads an area, which has a unit: a plain number would be a size.
pub fn area(text: &str) -> Result<Size, String> {
    match text.parse() {
        Ok(area @ Size::Area(_)) => Ok(area),
        _ => Err("an area is in megapixels, such as 0.5MP".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_needs_its_unit() {
        assert_eq!(area("0.5MP"), Ok(Size::Area(500_000.0)));
        for text in ["1", "512", "1024x", "x", "0.5", "MP", ""] {
            assert!(area(text).unwrap_err().contains("0.5MP"), "{text}");
        }
    }
}
