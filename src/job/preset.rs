use super::Job;
use crate::named::named;

/// Settings that belong together, by how long one is ready to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// A first look.
    Fast,
    /// The defaults.
    #[default]
    Balanced,
    /// The last few per cent of the loss, for three times the time.
    Best,
}

named!(Preset, "preset": Fast = "fast", Balanced = "balanced", Best = "best");

impl Preset {
    /// The default job with this preset's settings.
    pub fn job(self) -> Job {
        let usual = Job::default();
        match self {
            Self::Fast => Job { steps: 40, ..usual },
            Self::Balanced => usual,
            Self::Best => Job {
                steps: 300,
                ..usual
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_job_that_can_be_and_balanced_is_the_default() {
        for preset in Preset::ALL {
            assert_eq!(preset.job().check(), Ok(()), "{preset}");
        }
        assert_eq!(Preset::default().job(), Job::default());
    }
}
