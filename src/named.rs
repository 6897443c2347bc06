/// Text that names none of a setting's choices.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{given}`: use {}", list(.choices))]
pub struct UnknownName {
    /// What was to be named.
    pub what: &'static str,
    /// What was given.
    pub given: String,
    /// The names there are.
    pub choices: Vec<&'static str>,
}

/// `a, b or c`.
fn list(names: &[&str]) -> String {
    match names {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => names.concat(),
    }
}

/// A setting that is one of a few choices.
pub trait Named: std::str::FromStr<Err = UnknownName> {
    /// The name of every choice, in the order they are listed to people.
    const NAMES: &'static [&'static str];
}

/// Gives an enum without fields its names: `ALL`, `name()`, [`Named`], `Display` and `FromStr`.
macro_rules! named {
    ($kind:ident, $what:literal: $($variant:ident = $name:literal),+ $(,)?) => {
        impl $kind {
            /// Every choice, in the order they are listed to people.
            pub const ALL: [Self; [$(Self::$variant),+].len()] = [$(Self::$variant),+];

            /// The name used in flags and files.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl crate::named::Named for $kind {
            const NAMES: &'static [&'static str] = &[$($name),+];
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $kind {
            type Err = crate::named::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let choices = || Self::ALL.iter().map(|choice| choice.name());
                let found = Self::ALL.into_iter().find(|choice| choice.name() == text);
                found.ok_or_else(|| crate::named::UnknownName {
                    what: $what,
                    given: text.to_owned(),
                    choices: choices().collect(),
                })
            }
        }
    };
}

pub(crate) use named;

#[cfg(test)]
mod tests {
    use crate::arch::Pooling;

    #[test]
    fn every_name_is_read_back() {
        for choice in Pooling::ALL {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
    }

    #[test]
    fn a_wrong_name_is_told_the_right_ones() {
        let error = "sum".parse::<Pooling>().unwrap_err().to_string();
        assert_eq!(error, "unknown pool `sum`: use max or avg");
    }
}
