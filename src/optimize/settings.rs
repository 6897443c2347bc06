use super::Method;
use crate::setting::{Listed, SettingError, finite, ranged};

/// How a gradient becomes an update.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The rule. Default: L-BFGS.
    pub method: Method,
    /// Learning rate, above 0; with Adam, the most a pixel value of [0, 1] moves in one step.
    /// Default: 0.02.
    pub lr: f32,
    /// Updates that L-BFGS remembers, 1 to 100: two pictures each. Default: 10.
    pub history: usize,
    /// Decay of the exponential moving average of the pictures, which is the result: 0 (none) to
    /// below 1. Default: 0, because a window of the pictures of a few hundred steps holds most of the
    /// way, and has the higher loss.
    pub average: f32,
    /// Updates within which the total loss has to fall by a hundredth, or a scale ends; 0 is none.
    /// Default: 0.
    pub patience: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            method: Method::default(),
            lr: 0.02,
            history: 10,
            average: 0.0,
            patience: 0,
        }
    }
}

impl Settings {
    /// Every setting by its flag's name.
    pub fn list(&self) -> Listed {
        let Self {
            method,
            lr,
            history,
            average,
            patience,
        } = self;
        vec![
            ("optimizer", method.to_string()),
            ("lr", lr.to_string()),
            ("history", history.to_string()),
            ("average", average.to_string()),
            ("patience", patience.to_string()),
        ]
    }

    /// Checks every setting.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be, by its flag.
    pub fn check(&self) -> Result<(), SettingError> {
        finite("lr", self.lr, self.lr > 0.0, "a number above 0")?;
        let fine = (0.0..1.0).contains(&self.average);
        finite("average", self.average, fine, "from 0 to below 1")?;
        let history = (1..=100).contains(&self.history);
        ranged("history", self.history, history, "1 to 100")
    }
}
