//! Flags of a transfer as a table, on the way to a command line and back.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::builder::Resettable;
use clap::parser::ValueSource;
use clap::{
    Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, Parser, ValueHint,
};

use serde::{Deserialize, Serialize};

use crate::cli::args::{Role, Transfer, flag_of};
use crate::cli::jobs::{FlagTable, FlagValue};

/// A transfer's flags, by long name, as they were given: the values of each, none for a switch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Flags(BTreeMap<String, Vec<OsString>>);

/// The flags of a transfer without anything around them.
#[derive(Debug, Parser)]
#[command(
    no_binary_name = true,
    disable_help_flag = true,
    disable_version_flag = true
)]
struct Line {
    #[command(flatten)]
    transfer: Transfer,
}

impl Flags {
    /// What the user gave of the flags of `command`, also where it is the default.
    pub fn given(command: &Command, matches: &ArgMatches) -> Self {
        let given = |arg: &Arg| {
            let id = arg.get_id().as_str();
            if matches.value_source(id) != Some(ValueSource::CommandLine) {
                return None;
            }
            let values = if arg.get_action().takes_values() {
                joined(arg, matches.get_raw(id)?)
            } else {
                Vec::new()
            };
            Some((flag_of(arg)?.to_owned(), values))
        };
        Self(command.get_arguments().filter_map(given).collect())
    }

    /// Those on which the result depends, less what is the default anyway.
    #[must_use]
    pub fn of_the_picture(&self) -> Self {
        let command = Line::command();
        let is_default = |name: &str, values: &[OsString]| {
            let default = find(&command, name).map_or(&[][..], Arg::get_default_values);
            // Pictures of a sheet have another default size.
            let of_a_sheet = name == "size" && self.has("sweep");
            !default.is_empty() && default.iter().eq(values) && !of_a_sheet
        };
        let kept = self.0.iter().filter(|(name, values)| {
            Role::of(name).is_some_and(Role::makes_the_picture) && !is_default(name, values)
        });
        Self(kept.map(|(n, v)| (n.clone(), v.clone())).collect())
    }

    /// The flags of arguments that need not make a whole transfer.
    ///
    /// # Errors
    ///
    /// An argument that is no flag, or a value it does not take.
    pub fn partial(arguments: &[OsString]) -> Result<Self, String> {
        let optional = |arg: Arg| {
            let arg = arg.required(false);
            arg.required_unless_present(Resettable::<clap::Id>::Reset)
        };
        let command = Line::command().mut_args(optional);
        let matches = command.clone().try_get_matches_from(arguments);
        let matches = matches.map_err(|e| sentence(&e))?;
        for arg in command.get_positionals() {
            if let Some(mut values) = matches.get_raw(arg.get_id().as_str()) {
                let value = values.next().unwrap_or_default().display();
                return Err(format!("'{value}' belongs to no flag"));
            }
        }
        Ok(Self::given(&command, &matches))
    }

    /// These flags with others over them.
    pub fn overlaid(mut self, over: Self) -> Self {
        self.0.extend(over.0);
        self
    }

    /// These flags with a job's settings over them.
    ///
    /// # Errors
    ///
    /// A switch that is given something else than true or false.
    pub fn with(&self, settings: &FlagTable) -> Result<Self, String> {
        let command = Line::command();
        let mut flags = self.clone();
        for (given, setting) in settings {
            let arg = find(&command, given);
            let name = arg.and_then(Arg::get_long).unwrap_or(given);
            let is_switch = arg.is_some_and(|arg| !arg.get_action().takes_values());
            let several = arg.is_some_and(|arg| matches!(arg.get_action(), ArgAction::Append));
            let on = match setting {
                FlagValue::Switch(on) => Some(*on),
                FlagValue::Cell(text) if is_switch => Some(truth(name, text)?),
                FlagValue::Values(texts) if is_switch => Some(truth(name, &texts.join(" "))?),
                FlagValue::Cell(_) | FlagValue::Values(_) => None,
            };
            match (setting, on) {
                (_, Some(false)) => flags.remove(name),
                (FlagValue::Values(values), None) => flags.set(name, values),
                (FlagValue::Cell(text), None) if several => {
                    let values: Vec<_> = text.split(';').map(str::trim).collect();
                    flags.set(name, &values);
                }
                (FlagValue::Cell(text), None) => flags.set(name, &[text]),
                _ => flags.set::<&str>(name, &[]),
            }
        }
        Ok(flags)
    }

    /// Gives a flag these values, or none to a switch.
    pub fn set<T: AsRef<OsStr>>(&mut self, name: &str, values: &[T]) {
        let values = values
            .iter()
            .map(|value| value.as_ref().to_owned())
            .collect();
        self.0.insert(name.to_owned(), values);
    }

    /// Takes a flag away.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Takes a flag away and gives its last value, if it has one.
    pub fn take(&mut self, name: &str) -> Option<OsString> {
        self.0.remove(name)?.pop()
    }

    /// Keeps the flags whose role and name are wanted.
    pub fn retain(&mut self, wanted: impl Fn(Option<Role>, &str) -> bool) {
        self.0.retain(|name, _| wanted(Role::of(name), name));
    }

    /// Whether a flag was given, be it as its default.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The flags by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[OsString])> {
        self.0
            .iter()
            .map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// The files that these flags make a run write, where they are named.
    pub fn written(&self) -> Vec<&Path> {
        let command = Line::command();
        let is_written = |name: &str| {
            let takes_path = |arg: &Arg| arg.get_value_hint() == ValueHint::AnyPath;
            matches!(Role::of(name), Some(Role::Beside | Role::Output))
                && find(&command, name).is_some_and(takes_path)
        };
        let written = self.0.iter().filter(|(name, _)| is_written(name));
        written
            .flat_map(|(_, values)| values.iter().map(Path::new))
            .collect()
    }

    /// The flags as arguments, each with its value in one: a value may begin with a dash.
    fn arguments(&self) -> impl Iterator<Item = OsString> {
        self.0.iter().flat_map(|(name, values)| {
            let flag = OsString::from(format!("--{name}"));
            let valued = values.iter().map(move |value| {
                let mut argument = OsString::from(format!("--{name}="));
                argument.push(value);
                argument
            });
            let bare = values.is_empty().then_some(flag);
            bare.into_iter().chain(valued)
        })
    }

    /// The transfer these flags ask for, and the flags as it was given them.
    ///
    /// # Errors
    ///
    /// One sentence that names the flag.
    pub fn parse(&self) -> Result<(Transfer, Self), String> {
        let command = Line::command();
        command
            .clone()
            .try_get_matches_from(self.arguments())
            .and_then(|matches| {
                let line = Line::from_arg_matches(&matches)?;
                Ok((line.transfer, Self::given(&command, &matches)))
            })
            .map_err(|error| sentence(&error))
    }
}

/// The flag of this long name, its first or another one.
fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| {
        let aliases = arg.get_all_aliases().unwrap_or_default();
        arg.get_long() == Some(name) || aliases.contains(&name)
    })
}

/// The first long name of the flag that has this long name.
pub fn long_name(name: &str) -> Option<String> {
    let command = Line::command();
    find(&command, name)?.get_long().map(str::to_owned)
}

/// Values as one argument gives them: those of a comma list are one.
fn joined<'a>(arg: &Arg, values: impl Iterator<Item = &'a OsStr>) -> Vec<OsString> {
    let values: Vec<_> = values.map(OsStr::to_owned).collect();
    match arg.get_value_delimiter() {
        Some(delimiter) => vec![values.join(OsStr::new(&delimiter.to_string()))],
        None => values,
    }
}

fn truth(name: &str, text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| format!("--{name} {text}: it takes no value, so write true or false"))
}

/// What clap has to say, without its advice for a command line, on one line.
fn sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let paragraphs = text.split("\n\n").filter(|paragraph| {
        !paragraph.starts_with("Usage:") && !paragraph.starts_with("For more information")
    });
    let lines = paragraphs.map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "));
    let text = lines.collect::<Vec<_>>().join("; ");
    text.strip_prefix("error: ")
        .unwrap_or(&text)
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use crate::cli::jobs::{ListFormat, parse};

    use super::*;

    fn job(text: &str) -> FlagTable {
        let list = parse(&format!("[[job]]\n{text}"), ListFormat::Toml).unwrap();
        list.jobs.into_iter().next().unwrap()
    }

    /// Alpha and beta.
    fn weights(transfer: &Transfer) -> (String, String) {
        let style = &transfer.style;
        (style.alpha.to_string(), style.beta.to_string())
    }

    const PICTURES: &str = "content = \"a.png\"\nstyle = \"b.png\"\n";

    fn flags(text: &str) -> Result<Flags, String> {
        Flags::default().with(&job(&format!("{PICTURES}{text}")))
    }

    fn refusal(text: &str) -> String {
        flags(text).and_then(|flags| flags.parse()).unwrap_err()
    }

    #[test]
    fn a_table_becomes_the_transfer_its_command_line_would() {
        let text = "beta = 100\nquiet = true\njson = false\nalpha = -1\n\
                    style-layers = [\"block1_conv1\", \"block2_conv1\"]";
        let (transfer, _) = flags(text).unwrap().parse().unwrap();
        assert_eq!(weights(&transfer), ("-1".into(), "100".into()));
        assert!(transfer.output.quiet && !transfer.output.json);
        assert_eq!(transfer.style.style_layers.len(), 2);
    }

    #[test]
    fn a_picture_depends_on_what_is_given_as_something_else_than_its_default() {
        let text = "beta = 20\nlr = 0.5\ncontent-layer = \"block5_conv2\"\nmodel = \"vgg19\"\n\
                    quiet = true\nthreads = 2\noutput = \"out.png\"";
        let (_, flags) = flags(text).unwrap().parse().unwrap();
        assert!(flags.has("beta") && flags.has("quiet"));
        let flags = flags.of_the_picture();
        let names: Vec<_> = flags.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["content", "lr", "style"]);
        let size = |more: &str| {
            let flags = self::flags(&format!("size = 512\n{more}")).unwrap();
            flags.of_the_picture().has("size")
        };
        assert!(
            !size("") && size("sweep = \"beta=1,2\""),
            "a sheet has another default"
        );
    }

    #[test]
    fn every_flag_of_a_transfer_can_stand_in_a_table() {
        let base = flags("").unwrap();
        let command = Line::command();
        let mut seen = 0;
        for arg in command.get_arguments() {
            let Some(name) = arg.get_long() else {
                assert!(arg.is_positional(), "every flag has a long name");
                continue;
            };
            let default = arg.get_default_values();
            let setting = if !arg.get_action().takes_values() {
                FlagValue::Switch(true)
            } else if let [default] = default {
                FlagValue::Values(vec![default.to_str().unwrap().to_owned()])
            } else {
                continue;
            };
            seen += 1;
            let table = FlagTable::from([(name.to_owned(), setting)]);
            let (_, parsed) = base.with(&table).unwrap().parse().expect(name);
            assert!(parsed.has(name), "{name}");
            let is_switch = !arg.get_action().takes_values();
            let changes = is_switch && Role::of(name).is_some_and(Role::makes_the_picture);
            let kept = parsed.of_the_picture().has(name);
            assert_eq!(
                kept, changes,
                "{name}: no default, and a switch that changes the picture"
            );
        }
        assert!(seen > 20, "{seen}");
    }

    #[test]
    fn comma_lists_and_repeated_flags_are_the_same() {
        let list = flags("style-layers = [\"block1_conv1\", \"block2_conv1\"]").unwrap();
        let comma = flags("style-layers = \"block1_conv1,block2_conv1\"").unwrap();
        assert_eq!(list.parse().unwrap().1, comma.parse().unwrap().1);
    }

    #[test]
    fn another_name_of_a_flag_is_the_same_flag() {
        let base = Flags::default().with(&job("color = \"match\"")).unwrap();
        let text = format!("{PICTURES}colour = \"content\"");
        let (_, flags) = base.with(&job(&text)).unwrap().parse().unwrap();
        let color = flags.iter().find(|(name, _)| *name == "color");
        assert_eq!(color.unwrap().1, ["content"]);
    }

    #[test]
    fn a_job_replaces_the_defaults_it_names() {
        let defaults = [
            "--quiet",
            "--style-layers=block1_conv1,block2_conv1",
            "--beta=7",
        ];
        let defaults = Flags::partial(&defaults.map(OsString::from)).unwrap();
        let text = format!("{PICTURES}quiet = false\nstyle-layers = \"block3_conv1\"");
        let (transfer, _) = defaults.with(&job(&text)).unwrap().parse().unwrap();
        assert!(!transfer.output.quiet);
        assert_eq!(transfer.style.style_layers.len(), 1);
        assert_eq!(weights(&transfer).1, "7");
    }

    #[test]
    fn a_cell_of_a_switch_says_true_or_false() {
        let list = parse("quiet,json\ntrue,false\n", ListFormat::Csv).unwrap();
        let flags = flags("").unwrap().with(&list.jobs[0]).unwrap();
        let (transfer, _) = flags.parse().unwrap();
        assert!(transfer.output.quiet && !transfer.output.json);
        let list = parse("quiet\nyes\n", ListFormat::Csv).unwrap();
        let error = Flags::default().with(&list.jobs[0]).unwrap_err();
        assert!(error.contains("--quiet yes"), "{error}");
    }

    #[test]
    fn a_cell_gives_several_values_to_a_flag_that_may_be_repeated() {
        let list = parse("style,content\na.png; b;c.png:2,x;y.png\n", ListFormat::Csv).unwrap();
        let (transfer, _) = Flags::default()
            .with(&list.jobs[0])
            .unwrap()
            .parse()
            .unwrap();
        let styles = ["a.png", "b", "c.png:2"].map(std::path::PathBuf::from);
        assert_eq!(transfer.pictures.style, styles);
        assert_eq!(transfer.pictures.content, Some("x;y.png".into()));
    }

    #[test]
    fn what_a_run_would_write_is_named() {
        let text = "output = \"o.png\"\nframes = \"f.png\"\nsave-every = 5\nquiet = true\n\
                    checkpoint = \"c\"\ntimelapse = \"t.gif\"\ncheckpoint-every = 7";
        let flags = flags(text).unwrap();
        assert_eq!(
            flags.written(),
            ["c", "f.png", "o.png", "t.gif"].map(Path::new)
        );
    }

    #[test]
    fn what_cannot_be_is_one_sentence_with_the_flag() {
        for (text, expected) in [
            ("betta = 3", "'--betta'"),
            ("beta = \"much\"", "'--beta <X>'"),
            ("beta = true", "--beta"),
            ("beta = [1, 2]", "--beta"),
            ("help = true", "'--help'"),
            ("version = true", "'--version'"),
            ("model = \"vgg11\"", "[possible values: vgg16, vgg19]"),
        ] {
            let error = refusal(text);
            assert!(error.contains(expected) && !error.contains('\n'), "{error}");
            assert!(
                !error.contains("Usage") && !error.contains("--help'."),
                "{error}"
            );
        }
        let error = Flags::default().parse().unwrap_err();
        assert!(error.contains("--content <FILE>"), "{error}");
    }

    #[test]
    fn what_is_given_after_the_dashes_wins_over_the_file_even_if_it_is_the_default() {
        let file = Flags::default()
            .with(&job("beta = 100\nalpha = 2"))
            .unwrap();
        let line = Flags::partial(&[OsString::from("--beta=20")]).unwrap();
        let both = file.overlaid(line).with(&job(PICTURES)).unwrap();
        let (transfer, _) = both.parse().unwrap();
        assert_eq!(weights(&transfer), ("2".into(), "20".into()));
    }

    #[test]
    fn defaults_are_checked_by_themselves() {
        for arguments in [["--betta=3"], ["photo.png"], ["--beta=x"]] {
            assert!(Flags::partial(&arguments.map(OsString::from)).is_err());
        }
    }
}
