//! What is wrong, in one line and as an exit code.

use std::process::ExitCode;

/// A flag or a combination of flags that cannot be: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// A signal came before there was anything to save; with the exit code owed to it.
#[derive(Debug, thiserror::Error)]
#[error("interrupted before the first step: there is no picture yet")]
pub struct Interrupted(pub u8);

/// The exit code of an error: 2 for wrong usage, a signal's own, 1 for everything else.
pub fn failure(error: &anyhow::Error) -> ExitCode {
    if let Some(Interrupted(code)) = error.downcast_ref() {
        return ExitCode::from(*code);
    }
    let usage = error.chain().any(|cause| {
        cause.is::<Usage>()
            || cause.is::<nst::JobError>()
            || cause.is::<nst::SettingError>()
            || matches!(cause.downcast_ref(), Some(nst::Error::Job(_)))
    });
    ExitCode::from(if usage { 2 } else { 1 })
}

/// An error with its causes on one line, each said once: many name their cause themselves.
pub fn describe(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |mut said, cause| {
        let cause = cause.to_string();
        if said.is_empty() {
            return cause;
        }
        if !said.contains(&cause) {
            said.push_str(": ");
            said.push_str(&cause);
        }
        said
    })
}
