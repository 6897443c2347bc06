//! The rooms of the house: what is below knows nothing of what is above.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// For each room, the rooms it names.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// The source files below a folder, without those that hold only tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name == "tests" || name.ends_with("_tests") {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// What a file says outside its tests and comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = shipped
        .lines()
        .filter(|l| !l.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The first names after `prefix` wherever it stands: one, or those of a list in braces.
fn named(code: &str, prefix: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        text[..end.unwrap_or(text.len())].to_owned()
    };
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => names.push(word(rest)),
            Some(list) => {
                let list = &list[..list.find('}').unwrap()];
                names.extend(list.split(',').map(|item| word(item.trim())));
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The imports between the rooms in `folder`, which say `prefix` to name each other.
fn imports(folder: &Path, prefix: &str) -> Imports {
    let mut imports = Imports::new();
    for path in sources(folder) {
        let inside = path.strip_prefix(folder).unwrap();
        let first = inside.components().next().unwrap().as_os_str();
        let room = Path::new(first).file_stem().unwrap().to_str().unwrap();
        if ["lib", "main", "mod"].contains(&room) {
            continue;
        }
        let names = named(&code(&path), prefix);
        let others = names.into_iter().filter(|name| name != room);
        imports.entry(room.to_owned()).or_default().extend(others);
    }
    imports
}

/// Takes away rooms that name none of those left, again and again: what stays is tied in circles.
fn tied(mut imports: Imports) -> Imports {
    loop {
        let rooms: BTreeSet<_> = imports.keys().cloned().collect();
        for names in imports.values_mut() {
            names.retain(|name| rooms.contains(name));
        }
        let before = imports.len();
        imports.retain(|_, names| !names.is_empty());
        if imports.len() == before {
            return imports;
        }
    }
}

fn check(folder: &str, prefix: &str, least: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let imports = imports(&folder, prefix);
    assert!(imports.len() >= least, "too few rooms: {imports:?}");
    let tied = tied(imports);
    assert!(tied.is_empty(), "rooms that import each other: {tied:#?}");
}

#[test]
fn no_circle_of_imports_ties_the_rooms_of_the_library() {
    check("src", "crate::", 12);
}

#[test]
fn no_circle_of_imports_ties_the_rooms_of_the_command_line() {
    check("src/cli", "crate::cli::", 12);
}

#[test]
fn the_library_does_not_know_the_command_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (room, names) in imports(&folder, "crate::") {
        assert!(room == "cli" || !names.contains("cli"), "{room}");
    }
}

#[test]
fn every_name_from_another_room_says_which_room() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let imports = imports(&folder, "crate::");
    let rooms: BTreeSet<_> = imports.keys().cloned().collect();
    for (room, names) in imports {
        let strangers: Vec<_> = names.difference(&rooms).collect();
        assert!(strangers.is_empty(), "{room} names {strangers:?}");
    }
}

#[test]
fn a_circle_is_found() {
    let rooms = |pairs: &[(&str, &str)]| -> Imports {
        pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), BTreeSet::from([(*b).to_owned()])))
            .collect()
    };
    let circle = rooms(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]);
    assert_eq!(tied(circle).len(), 4);
    assert!(tied(rooms(&[("a", "b"), ("b", "c"), ("d", "a")])).is_empty());
    assert_eq!(
        named("use crate::{a, b::C};\ncrate::d::e()", "crate::"),
        ["a", "b", "d"]
    );
}
