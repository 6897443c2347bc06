use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What marks the report of a run that has not come to its end, near its beginning.
pub const UNFINISHED_REPORT: &str = "<meta name=\"nst:report\" content=\"unfinished\">";

/// Whether the file is the report of an unfinished run, which the same run may replace.
pub fn is_unfinished_report(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = path.is_file().then(|| File::open(path).ok()).flatten();
    let read = read.map(|file| file.take(512).read_to_end(&mut start));
    read.is_some() && String::from_utf8_lossy(&start).contains(UNFINISHED_REPORT)
}
