//! Jobs in TOML.

use ::toml::{Table, Value};

use super::{FlagTable, FlagValue, JobsError, List, Section, is_flag};

pub(super) fn parse(text: &str) -> Result<List, JobsError> {
    let table: Table = text
        .parse()
        .map_err(|error: ::toml::de::Error| JobsError::Syntax(error.to_string().trim().into()))?;
    let mut list = List::default();
    for (key, value) in table {
        match key.as_str() {
            "defaults" => list.defaults = defaults(value)?,
            "job" => list.jobs = jobs(value)?,
            _ => return Err(JobsError::Key(key)),
        }
    }
    Ok(list)
}

fn defaults(value: Value) -> Result<FlagTable, JobsError> {
    let Value::Table(table) = value else {
        return Err(JobsError::NoTable {
            name: "defaults",
            table: "[defaults]",
        });
    };
    settings(&Section::Defaults, table)
}

fn jobs(value: Value) -> Result<Vec<FlagTable>, JobsError> {
    let no_table = JobsError::NoTable {
        name: "job",
        table: "[[job]]",
    };
    let Value::Array(jobs) = value else {
        return Err(no_table);
    };
    let numbered = jobs.into_iter().zip(1..);
    numbered
        .map(|(job, number)| match job {
            Value::Table(table) => settings(&Section::Job(number), table),
            _ => Err(no_table.clone()),
        })
        .collect()
}

fn settings(place: &Section, table: Table) -> Result<FlagTable, JobsError> {
    table
        .into_iter()
        .map(|(name, value)| {
            if !is_flag(&name) {
                let place = place.clone();
                return Err(JobsError::Name { place, name });
            }
            match setting(value) {
                Ok(setting) => Ok((name, setting)),
                Err(kind) => Err(JobsError::Value {
                    place: place.clone(),
                    flag: name,
                    kind,
                }),
            }
        })
        .collect()
}

/// What a value gives, or what it is if no flag takes it.
fn setting(value: Value) -> Result<FlagValue, &'static str> {
    match value {
        Value::Boolean(on) => Ok(FlagValue::Switch(on)),
        Value::Array(items) if items.is_empty() => Err("an empty list"),
        Value::Array(items) => {
            let texts: Result<_, _> = items.into_iter().map(text).collect();
            texts.map(FlagValue::Values)
        }
        single => text(single).map(|text| FlagValue::Values(vec![text])),
    }
}

fn text(value: Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Datetime(_) => Err("a date"),
        Value::Table(_) => Err("a table"),
        Value::Array(_) => Err("a list in a list"),
        Value::Boolean(_) => Err("a list with true or false in it"),
    }
}
