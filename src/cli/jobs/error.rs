use std::fmt;

/// Where in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Section {
    /// The defaults of all jobs.
    Defaults,
    /// The job of this number, from 1.
    Job(usize),
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults => f.write_str("[defaults]"),
            Self::Job(number) => write!(f, "job {number}"),
        }
    }
}

/// Why a text is no list of jobs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobsError {
    /// Not the format at all, in the words of its reader.
    #[error("{0}")]
    Syntax(String),
    /// A key beside the tables that a list is made of.
    #[error("{0:?} does not belong here: flags stand under [defaults] or under a [[job]]")]
    Key(String),
    /// `job` or `defaults` is something else than a table.
    #[error("{name} must be written as {table}, with one line for each flag under it")]
    NoTable {
        /// `job` or `defaults`.
        name: &'static str,
        /// How it is written.
        table: &'static str,
    },
    /// A flag is named as no flag can be.
    #[error(
        "{place}: {name:?} is not the name of a flag: write it as in `nst --help`, without the dashes"
    )]
    Name {
        /// Where.
        place: Section,
        /// The name.
        name: String,
    },
    /// A value of a kind that no flag takes.
    #[error(
        "{place}: {flag} is {kind}: give a text, a number, true or false, or a list of texts and numbers"
    )]
    Value {
        /// Where.
        place: Section,
        /// The flag.
        flag: String,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// Two columns of one name.
    #[error("the first row names {0} twice: give each flag one column")]
    Repeated(String),
    /// The first row has a name that no flag can have.
    #[error(
        "the first row must name flags, without their dashes, and {0:?} is not the name of one"
    )]
    Column(String),
    /// No job at all.
    #[error("no job is in it")]
    Empty,
}
