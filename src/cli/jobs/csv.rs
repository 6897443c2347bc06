//! Jobs in CSV, as RFC 4180 has it: cells with commas, quotes or line ends stand in quotes.

use ::csv::{Error, ErrorKind, Reader, ReaderBuilder, StringRecord, Trim};

use super::{FlagTable, FlagValue, JobsError, List, is_flag};

pub(super) fn parse(text: &str) -> Result<List, JobsError> {
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let flags = flags(&mut reader)?;
    let jobs = reader
        .records()
        .map(|row| Ok(settings(&flags, &row.map_err(|error| syntax(&error))?)))
        .collect::<Result<_, _>>()?;
    Ok(List {
        defaults: FlagTable::new(),
        jobs,
    })
}

fn flags(reader: &mut Reader<&[u8]>) -> Result<Vec<String>, JobsError> {
    let mut flags: Vec<String> = Vec::new();
    for name in reader.headers().map_err(|error| syntax(&error))? {
        if !is_flag(name) {
            return Err(JobsError::Column(name.to_owned()));
        }
        if flags.iter().any(|flag| flag == name) {
            return Err(JobsError::Repeated(name.to_owned()));
        }
        flags.push(name.to_owned());
    }
    Ok(flags)
}

fn settings(flags: &[String], row: &StringRecord) -> FlagTable {
    let given = flags.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
    given
        .map(|(flag, cell)| (flag.clone(), FlagValue::Cell(cell.to_owned())))
        .collect()
}

fn syntax(error: &Error) -> JobsError {
    let text = match error.kind() {
        ErrorKind::UnequalLengths {
            pos: Some(place),
            expected_len,
            len,
        } => format!(
            "job {} (line {}) has {len} cells, but the first row names {expected_len} flags; a \
             cell with a comma in it stands in double quotes",
            place.record(),
            place.line()
        ),
        _ => error.to_string(),
    };
    JobsError::Syntax(text)
}
