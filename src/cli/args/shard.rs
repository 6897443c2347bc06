use std::fmt;
use std::str::FromStr;

/// Every Nth job, from the Kth on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    which: usize,
    of: usize,
}

impl Shard {
    /// Whether the job of this number, from 1, is in the shard.
    pub fn has(self, number: usize) -> bool {
        number % self.of == self.which % self.of
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self { which: 1, of: 1 }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.which, self.of)
    }
}

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(s: &str) -> Result<Self, NoShard> {
        let parts = s.split_once('/').ok_or(NoShard)?;
        let number = |text: &str| text.parse::<usize>().map_err(|_| NoShard);
        let (which, of) = (number(parts.0)?, number(parts.1)?);
        if which == 0 || which > of {
            return Err(NoShard);
        }
        Ok(Self { which, of })
    }
}

/// The text is no shard.
#[derive(Debug, thiserror::Error)]
#[error("it must be K/N with K from 1 to N, such as 2/8")]
pub struct NoShard;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in [
            "", "1", "0/3", "4/3", "1/0", "0/0", "a/b", "1/2/3", "-1/2", "1/-2",
        ] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_job_is_in_one_shard(of in 1_usize..50, number in 1_usize..10_000) {
            let shards = (1..=of).map(|which| format!("{which}/{of}").parse::<Shard>().unwrap());
            prop_assert_eq!(shards.filter(|shard| shard.has(number)).count(), 1);
        }
    }
}
