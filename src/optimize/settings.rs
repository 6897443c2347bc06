use super::Method;
use crate::setting::{Listed, SettingError, finite, ranged};

/// How a gradient becomes an update.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The rule. Default: Adam.
    pub method: Method,
    /// Learning rate, above 0; with Adam, the most a pixel value of [0, 1] moves in one step.
    /// Default: 0.02.
    pub lr: f32,
    /// Updates that L-BFGS remembers, 1 to 100: two pictures each. Default: 10.
    pub history: usize,
    /// Decay of the exponential moving average of the pictures, which is the result: 0 (none) to
    /// below 1. Default: 0.99 for Adam, 0 for the other methods.
    pub average: Option<f32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            method: Method::Adam,
            lr: 0.02,
            history: 10,
            average: None,
        }
    }
}

impl Settings {
    /// Decay of the moving average, with its default for the method.
    pub fn decay(&self) -> f32 {
        let usual = if self.method == Method::Adam {
            0.99
        } else {
            0.0
        };
        self.average.unwrap_or(usual)
    }

    /// Every setting by its flag's name; of the average, the decay that it means.
    pub fn list(&self) -> Listed {
        let Self {
            method,
            lr,
            history,
            average: _,
        } = self;
        vec![
            ("optimizer", method.to_string()),
            ("lr", lr.to_string()),
            ("history", history.to_string()),
            ("average", self.decay().to_string()),
        ]
    }

    /// Checks every setting.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be, by its flag.
    pub fn check(&self) -> Result<(), SettingError> {
        finite("lr", self.lr, self.lr > 0.0, "a number above 0")?;
        let decay = self.decay();
        let fine = (0.0..1.0).contains(&decay);
        finite("average", decay, fine, "from 0 to below 1")?;
        let history = (1..=100).contains(&self.history);
        ranged("history", self.history, history, "1 to 100")
    }
}
