use super::{Hardware, Optimisation, OutputArgs, Pictures, Style};

/// What a flag of a transfer does: exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Names a picture that is read. Part of the provenance.
    Input,
    /// Changes the result in another way. Part of the provenance.
    Picture,
    /// Changes how the result is computed, or what is said on the way, but not the result.
    Run,
    /// Makes the run write another file than the result.
    Beside,
    /// Says where the result goes.
    Output,
}

impl Role {
    /// What the flag of this long name does; none if there is no such flag.
    pub fn of(flag: &str) -> Option<Self> {
        let mut known = Self::tables().into_iter().flatten();
        known.find(|(_, names)| names.contains(&flag)).map(|k| k.0)
    }

    /// Whether the result depends on such a flag.
    pub fn makes_the_picture(self) -> bool {
        matches!(self, Self::Input | Self::Picture)
    }

    fn tables() -> [&'static [(Self, &'static [&'static str])]; 5] {
        [
            Pictures::ROLES,
            Style::ROLES,
            Optimisation::ROLES,
            Hardware::ROLES,
            OutputArgs::ROLES,
        ]
    }
}

/// The flags of a clap group, by what they do.
pub(super) type Roles = &'static [(Role, &'static [&'static str])];

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::Cli;

    #[test]
    fn every_flag_has_exactly_one_role_and_every_role_is_of_a_flag() {
        let tables = Role::tables().into_iter().flatten();
        let mut listed: Vec<&str> = tables
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        listed.sort_unstable();
        let command = Cli::command();
        let mut flags: Vec<&str> = command
            .get_arguments()
            .filter_map(clap::Arg::get_long)
            .collect();
        flags.sort_unstable();
        assert_eq!(listed, flags);
    }

    #[test]
    fn what_names_a_file_to_write_does_not_make_the_picture() {
        for flag in ["output", "frames", "timelapse", "checkpoint", "resume"] {
            assert!(!Role::of(flag).unwrap().makes_the_picture(), "{flag}");
        }
        assert_eq!(Role::of("checkpoint=x"), None);
        assert_eq!(Role::of(""), None);
    }
}
