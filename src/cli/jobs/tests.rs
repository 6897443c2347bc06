use std::fmt::Write;

use proptest::prelude::*;

use super::{FlagValue, JobsError, List, ListFormat, is_flag, parse};

fn values(texts: &[&str]) -> FlagValue {
    FlagValue::Values(texts.iter().map(|&text| text.to_owned()).collect())
}

fn cell(text: &str) -> FlagValue {
    FlagValue::Cell(text.to_owned())
}

fn list(text: &str, format: ListFormat) -> List {
    parse(text, format).unwrap()
}

fn error(text: &str, format: ListFormat) -> String {
    parse(text, format).unwrap_err().to_string()
}

#[test]
fn toml_gives_defaults_and_jobs_in_order() {
    let text = r#"
        [defaults]
        beta = 100
        quiet = true
        [[job]]
        content = "a.jpg"
        lr = 0.02
        overwrite = false
        [[job]]
        content = "b.jpg"
        style-layers = ["block1_conv1", "block2_conv1"]
        seed = [1, 2.5]
    "#;
    let List { defaults, jobs } = list(text, ListFormat::Toml);
    assert_eq!(defaults["beta"], values(&["100"]));
    assert_eq!(defaults["quiet"], FlagValue::Switch(true));
    assert_eq!(jobs[0]["content"], values(&["a.jpg"]));
    assert_eq!(jobs[0]["lr"], values(&["0.02"]));
    assert_eq!(jobs[0]["overwrite"], FlagValue::Switch(false));
    assert_eq!(
        jobs[1]["style-layers"],
        values(&["block1_conv1", "block2_conv1"])
    );
    assert_eq!(jobs[1]["seed"], values(&["1", "2.5"]));
    assert_eq!(jobs.len(), 2);
}

#[test]
fn csv_gives_what_is_in_the_cells_and_nothing_for_empty_ones() {
    let text = "\u{feff}content, beta,style-layers\na.jpg,,\"block1_conv1,block2_conv1\"\n\"b \"\"c\"\".jpg\",3,\n";
    let List { defaults, jobs } = list(text, ListFormat::Csv);
    assert!(defaults.is_empty());
    assert_eq!(jobs[0]["content"], cell("a.jpg"));
    assert!(!jobs[0].contains_key("beta"));
    assert_eq!(jobs[0]["style-layers"], cell("block1_conv1,block2_conv1"));
    assert_eq!(jobs[1]["content"], cell("b \"c\".jpg"));
    assert_eq!(jobs[1]["beta"], cell("3"));
}

#[test]
fn the_format_is_told_by_the_first_line_that_says_something() {
    for text in [
        "[[job]]",
        "\n# mine\n  [defaults]\n",
        "job = []",
        "\u{feff}[[job]]",
    ] {
        assert_eq!(ListFormat::guess(text), ListFormat::Toml, "{text}");
    }
    for text in ["content,style\na.jpg,b=c.jpg", "", "# only a comment"] {
        assert_eq!(ListFormat::guess(text), ListFormat::Csv, "{text}");
    }
}

#[test]
fn what_is_wrong_in_toml_is_named_with_its_job_and_flag() {
    for (text, expected) in [
        ("[[job]]\ncontent = ", "line 2"),
        ("[[job]]\nsize = 1\nsize = 2", "size"),
        ("beta = 3\n[[job]]", "\"beta\" does not belong here"),
        ("[job]\nbeta = 3", "[[job]]"),
        ("job = [3]", "[[job]]"),
        ("defaults = 3\n[[job]]", "[defaults]"),
        ("[[job]]\n[[job]]\nsize = {}", "job 2: size is a table"),
        ("[[job]]\nsize = []", "job 1: size is an empty list"),
        ("[[job]]\nsize = [[1]]", "job 1: size is a list in a list"),
        ("[[job]]\nsize = 1979-05-27", "job 1: size is a date"),
        (
            "[[job]]\nsize = [true]",
            "job 1: size is a list with true or false",
        ),
        (
            "[defaults]\n\"beta=5\" = 1",
            "[defaults]: \"beta=5\" is not the name of a flag",
        ),
        (
            "[[job]]\n--beta = 1",
            "job 1: \"--beta\" is not the name of a flag",
        ),
        ("[[job]]\n\"\" = 1", "is not the name of a flag"),
        ("[defaults]\nbeta = 3", "no job"),
        ("", "no job"),
    ] {
        let error = error(text, ListFormat::Toml);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn what_is_wrong_in_csv_is_named_with_its_row_or_column() {
    for (text, expected) in [
        ("content,style\na,b\nc,d,e\n", "job 2 (line 3) has 3 cells"),
        ("content,content\na,b\n", "content twice"),
        ("content,\na,b\n", "\"\" is not"),
        ("--content\na\n", "\"--content\" is not"),
        ("content\n", "no job"),
        ("", "no job"),
    ] {
        let error = error(text, ListFormat::Csv);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn toml_nested_without_end_is_refused() {
    let deep = format!("[[job]]\nsize = {}", "[".repeat(100_000));
    let error = parse(&deep, ListFormat::Toml).unwrap_err();
    assert!(matches!(error, JobsError::Syntax(_)), "{error}");
}

fn holds(list: &List) {
    assert!(!list.jobs.is_empty());
    for (name, setting) in list.jobs.iter().chain([&list.defaults]).flatten() {
        assert!(is_flag(name));
        assert!(*setting != values(&[]) && *setting != cell(""));
    }
}

proptest! {
    #[test]
    fn any_text_is_a_list_or_an_error(text in any::<String>()) {
        for format in [ListFormat::Toml, ListFormat::Csv, ListFormat::guess(&text)] {
            if let Ok(list) = parse(&text, format) {
                holds(&list);
            }
        }
    }

    #[test]
    fn text_made_of_what_lists_are_made_of_is_a_list_or_an_error(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "[[job]]", "[defaults]", "\n", "beta", " = ", "1", "[", "]", "{", "}", ",", "\"",
                "'''", "true", "1e400", "nan", ".", "#", "\r", "\\u0000", "style-layers", "-",
            ]),
            0..40,
        ),
    ) {
        let text = pieces.concat();
        for format in [ListFormat::Toml, ListFormat::Csv] {
            if let Ok(list) = parse(&text, format) {
                holds(&list);
            }
        }
    }

    #[test]
    fn what_is_written_as_toml_is_read_back(
        jobs in prop::collection::vec(
            prop::collection::btree_map("[a-z][a-z0-9-]{0,9}", "\\PC{0,12}", 0..4),
            1..5,
        ),
    ) {
        let mut text = String::new();
        for job in &jobs {
            text.push_str("[[job]]\n");
            for (flag, value) in job {
                writeln!(text, "{flag} = {}", ::toml::Value::from(value.as_str())).unwrap();
            }
        }
        let read = list(&text, ListFormat::Toml).jobs;
        prop_assert_eq!(read.len(), jobs.len());
        for (read, job) in read.iter().zip(&jobs) {
            let job: super::FlagTable = job.iter().map(|(k, v)| (k.clone(), values(&[v]))).collect();
            prop_assert_eq!(read, &job);
        }
    }

    #[test]
    fn what_is_written_as_csv_is_read_back(
        rows in prop::collection::vec(prop::collection::vec("[a-z,\"\n=]{0,8}", 3), 1..5),
    ) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["content", "style", "beta"]).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let read = list(&text, ListFormat::Csv).jobs;
        prop_assert_eq!(read.len(), rows.len());
        for (read, row) in read.iter().zip(&rows) {
            for (flag, cell) in ["content", "style", "beta"].iter().zip(row) {
                let cell = cell.trim();
                let expected = (!cell.is_empty()).then(|| super::FlagValue::Cell(cell.to_owned()));
                prop_assert_eq!(read.get(*flag), expected.as_ref());
            }
        }
    }
}
