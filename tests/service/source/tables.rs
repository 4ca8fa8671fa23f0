//! Every table has a room in the ledger, `tables/x.rs` or `tables/x/`, and no statement that
//! writes the table stands anywhere else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Crates whose statements are looked at. What the migrations write is the history of the schema.
const CRATES: [&str; 6] = [
    "shared/ledger",
    "shared/settings",
    "shared/telemetry",
    "ingress",
    "worker",
    "dossier",
];

/// Tables that no program writes: the migrations keep one of them, triggers of SQLite the others.
const WITHOUT_ROOM: [&str; 3] = ["document_numbers", "document_words", "schema_compatibility"];

pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().to_owned()
}

pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|of| of == extension) {
            found.push(path);
        }
    }
    found
}

/// A source without comments and tests. Texts that go on in the next line are one line.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let mut code = String::new();
    for line in lines {
        let line = line.trim_start();
        if let Some(begun) = line.strip_suffix('\\') {
            code.push_str(begun);
        } else {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

/// What stands behind each place where `word` does.
fn behind<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(word)
        .map(move |(at, _)| code[at + word.len()..].trim_start())
}

/// The name that a text begins with; something in braces is one too.
fn name(text: &str) -> &str {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "_{}".contains(letter);
    let end = text.find(|letter| !is_of_name(letter));
    &text[..end.unwrap_or(text.len())]
}

/// The name that a text ends with.
fn last_name(text: &str) -> &str {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let begin = text.rfind(|letter| !is_of_name(letter));
    &text[begin.map_or(0, |before| before + 1)..]
}

/// The tables that a source writes by SQL.
fn written_by_sql(code: &str) -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for word in ["INSERT INTO ", "DELETE FROM "] {
        tables.extend(behind(code, word).map(|text| name(text).to_owned()));
    }
    for text in behind(code, "UPDATE ") {
        let table = name(text);
        let rest = text[table.len()..].trim_start();
        let rest = rest
            .strip_prefix("AS ")
            .map_or(rest, |alias| alias[name(alias).len()..].trim_start());
        if rest.starts_with("SET ") {
            tables.insert(table.to_owned());
        }
    }
    tables
}

/// The tables that a source writes by their entities. In its own room an entity has no name
/// before it.
fn written_by_entity(code: &str) -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for verb in ["insert", "update", "delete"] {
        let call = format!("::Entity::{verb}");
        let found = code.match_indices(&call);
        tables.extend(found.map(|(at, _)| last_name(&code[..at]).to_owned()));
    }
    let rows = code.match_indices("::ActiveModel");
    let rows = rows.filter(|(at, model)| name(&code[at + 2..]) == &model[2..]);
    tables.extend(rows.map(|(at, _)| last_name(&code[..at]).to_owned()));
    tables
}

/// The room that a file belongs to, by its path from `shared/ledger/src/` on.
fn room(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("tables/")?;
    inside.split(['/', '.']).next()
}

#[test]
fn a_table_is_written_in_its_room_alone() {
    let ledger = root().join("shared/ledger/src");
    let mut elsewhere = BTreeSet::new();
    let mut in_rooms = BTreeSet::new();
    for folder in CRATES {
        for path in files(&root().join(folder).join("src"), "rs") {
            let code = code(&std::fs::read_to_string(&path).unwrap());
            let path = path.strip_prefix(&ledger).unwrap_or(&path);
            let path = path.to_str().unwrap();
            let mut tables = written_by_sql(&code);
            tables.extend(written_by_entity(&code));
            for table in tables {
                if room(path) == Some(&table) {
                    in_rooms.insert(table);
                } else {
                    elsewhere.insert((path.to_owned(), table));
                }
            }
        }
    }
    assert_eq!(elsewhere, BTreeSet::new());
    assert!(in_rooms.contains("users") && in_rooms.contains("jobs"));
}

#[test]
fn every_table_has_a_room() {
    let mut tables = BTreeSet::new();
    for path in files(&root().join("migrations/sql"), "sql") {
        if path.to_str().unwrap().ends_with(".up.sql") {
            let text = std::fs::read_to_string(&path).unwrap();
            for word in ["CREATE TABLE ", "CREATE VIRTUAL TABLE "] {
                tables.extend(behind(&text, word).map(|text| name(text).to_owned()));
            }
        }
    }
    for table in WITHOUT_ROOM {
        assert!(tables.remove(table), "{table}");
    }
    let rooms = std::fs::read_dir(root().join("shared/ledger/src/tables")).unwrap();
    let rooms = rooms.map(|entry| {
        let path = entry.unwrap().path();
        path.file_stem().unwrap().to_str().unwrap().to_owned()
    });
    assert_eq!(
        rooms.filter(|room| room != "mod").collect::<BTreeSet<_>>(),
        tables
    );
}

#[test]
fn statements_that_write_are_found() {
    let code = code(
        r#"
        // INSERT INTO comments
        let a = format!("INSERT INTO jobs (id) SELECT x.id FROM {list} \
             ON CONFLICT (id) DO UPDATE SET id = 1");
        let b = "SELECT 1 FROM users FOR NO KEY UPDATE OF users";
        let c = "UPDATE \
             versions AS v SET a = 1"; let d = "UPDATE {table} SET a = 1";
        let e = "DELETE FROM events";
        use sea_orm::ActiveModelTrait;
        place::Entity::delete_many(); let row = crate::tables::word::ActiveModel { a };
        "#,
    );
    let sql = ["events", "jobs", "versions", "{table}"].map(str::to_owned);
    assert_eq!(written_by_sql(&code), BTreeSet::from(sql));
    let entities = ["place", "word"].map(str::to_owned);
    assert_eq!(written_by_entity(&code), BTreeSet::from(entities));
}
