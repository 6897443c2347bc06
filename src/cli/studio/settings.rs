//! Every flag of a run as the page offers it, in the words of `--help`.

use clap::{Arg, CommandFactory, ValueHint};
use serde::Serialize;

use crate::cli::args::{Cli, Role};

/// A flag on the page.
#[derive(Debug, Serialize)]
pub struct Setting {
    pub flag: String,
    /// The heading it stands under in `--help`.
    pub group: String,
    pub help: String,
    /// What it takes, as `--help` names it.
    pub value_name: String,
    #[serde(flatten)]
    pub kind: Kind,
    /// What holds if nothing is given.
    pub default: Option<String>,
    /// Whether a sweep may go over it.
    pub sweepable: bool,
}

/// What is given to a flag.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    Switch,
    Choice { values: Vec<String> },
    Text,
}

/// A flag that the page does not offer, and why.
#[derive(Debug, Serialize)]
pub struct LeftOut {
    pub flag: &'static str,
    pub why: &'static str,
}

/// The flags that the page has other means for, or that have no place on it.
pub const LEFT_OUT: [LeftOut; 16] = [
    left_out("content", "the photo that is dropped"),
    left_out("style", "the paintings that are dropped"),
    left_out("content-mask", "painted with the brush"),
    left_out("style-mask", "painted with the brush"),
    left_out("output", "a free name in the studio's folder"),
    left_out("sweep", "under Sweep"),
    left_out("report", "a button after the run"),
    left_out("frames", "frames are named after the result"),
    left_out("checkpoint", "Pause keeps the state in memory"),
    left_out("checkpoint-every", "there is no checkpoint"),
    left_out("resume", "there is no checkpoint"),
    left_out("overwrite", "the studio replaces nothing"),
    left_out("offline", "weights are fetched by their button only"),
    left_out("threads", "one number for the studio: nst studio --threads"),
    left_out("quiet", "the page shows progress"),
    left_out("json", "the page shows progress"),
];

const fn left_out(flag: &'static str, why: &'static str) -> LeftOut {
    LeftOut { flag, why }
}

/// Every flag that the page offers, in the order of `--help`.
pub fn offered() -> Vec<Setting> {
    let command = Cli::command();
    command.get_arguments().filter_map(setting).collect()
}

fn setting(arg: &Arg) -> Option<Setting> {
    let flag = arg.get_long()?;
    if LEFT_OUT.iter().any(|left| left.flag == flag) {
        return None;
    }
    let kind = kind(flag, arg)?;
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let default = arg.get_default_values().first();
    let value_name = arg.get_value_names().and_then(|names| names.first());
    let role = Role::of(flag);
    Some(Setting {
        flag: flag.to_owned(),
        group: arg.get_help_heading().unwrap_or("Others").to_owned(),
        help: help.split_whitespace().collect::<Vec<_>>().join(" "),
        value_name: value_name.map(ToString::to_string).unwrap_or_default(),
        default: default
            .filter(|_| kind != Kind::Switch)
            .map(|value| value.to_string_lossy().into_owned()),
        sweepable: kind != Kind::Switch
            && role.is_some_and(Role::makes_the_picture)
            && !matches!(flag, "depth" | "quality"),
        kind,
    })
}

/// What the page lets a person give. A path never: those that a flag takes are made here.
fn kind(flag: &str, arg: &Arg) -> Option<Kind> {
    let choice = |values: &[&str]| {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        Some(Kind::Choice { values })
    };
    match flag {
        "init" => return choice(&["content", "style", "grey", "noise", "normal"]),
        "weights" => return choice(&["imagenet", "builtin"]),
        // A film goes beside the result.
        "timelapse" => return Some(Kind::Switch),
        _ => {}
    }
    if !arg.get_action().takes_values() {
        return Some(Kind::Switch);
    }
    let values = arg.get_possible_values();
    if !values.is_empty() {
        let values = values.iter().map(|value| value.get_name().to_owned());
        return Some(Kind::Choice {
            values: values.collect(),
        });
    }
    (arg.get_value_hint() != ValueHint::AnyPath).then_some(Kind::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_offered_or_left_out_for_a_reason() {
        let offered = offered();
        let command = Cli::command();
        for flag in command.get_arguments().filter_map(Arg::get_long) {
            let on_page = offered
                .iter()
                .filter(|setting| setting.flag == flag)
                .count();
            let left = LEFT_OUT.iter().filter(|left| left.flag == flag).count();
            assert_eq!(on_page + left, 1, "--{flag}");
        }
        for left in LEFT_OUT {
            assert!(Role::of(left.flag).is_some(), "--{}: no flag", left.flag);
        }
    }

    #[test]
    fn no_setting_takes_a_path_as_text() {
        let command = Cli::command();
        for setting in offered() {
            let mut all = command.get_arguments();
            let arg = all
                .find(|arg| arg.get_long() == Some(&setting.flag))
                .unwrap();
            let takes_path =
                arg.get_value_hint() == ValueHint::AnyPath || setting.flag == "weights";
            assert!(!takes_path || setting.kind != Kind::Text, "{setting:?}");
            assert!(
                !setting.help.is_empty() && setting.group != "Others",
                "{setting:?}"
            );
        }
    }
}
