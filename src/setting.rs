//! Checks of single settings, by the name that the command line has for them.

use std::fmt::Display;

use crate::arch::{Layer, Model};

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingError {
    /// A number outside its range.
    #[error("--{flag} {value} is out of range: it must be {range}")]
    Range {
        /// Name of the setting.
        flag: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        range: &'static str,
    },
    /// No layer for one of the losses.
    #[error("--{flag} names no layer: give at least one, such as block5_conv2")]
    NoLayers {
        /// Name of the setting.
        flag: &'static str,
    },
    /// A layer given twice.
    #[error("--{flag} names {layer} twice: give each layer once")]
    Repeated {
        /// Name of the setting.
        flag: &'static str,
        /// The layer.
        layer: Layer,
    },
    /// A layer that the model lacks.
    #[error("--{flag} {layer}: {model} has no such layer; choose one of {}", list(*.model))]
    NoSuchLayer {
        /// Name of the setting.
        flag: &'static str,
        /// The layer.
        layer: Layer,
        /// The network.
        model: Model,
    },
    /// Both weights are zero, so nothing would change.
    #[error("--alpha and --beta are both 0: at least one loss must count")]
    NothingToDo,
}

fn list(model: Model) -> String {
    let names: Vec<_> = model.layers().map(|l| l.to_string()).collect();
    names.join(", ")
}

/// Settings by their flags' names, as the command line would read them.
pub type Listed = Vec<(&'static str, String)>;

/// Refuses `value` unless it is `ok`, which means `range`.
///
/// # Errors
///
/// [`SettingError::Range`].
pub fn ranged(
    flag: &'static str,
    value: impl Display,
    ok: bool,
    range: &'static str,
) -> Result<(), SettingError> {
    if ok {
        return Ok(());
    }
    let value = value.to_string();
    Err(SettingError::Range { flag, value, range })
}

/// [`ranged`] for a number that must be finite as well.
///
/// # Errors
///
/// [`SettingError::Range`].
pub fn finite(
    flag: &'static str,
    value: f32,
    ok: bool,
    range: &'static str,
) -> Result<(), SettingError> {
    ranged(flag, value, ok && value.is_finite(), range)
}
