//! SQL, by the first statement: its words, in the order of the language, and how it ends.

use super::decode::Text;
use crate::finding::Finding;

/// What statements begin with, and what must follow in them.
const STATEMENTS: &[(&str, &[&str])] = &[
    ("select", &[" from "]),
    ("insert", &["into "]),
    ("update", &[" set "]),
    ("delete", &["from "]),
    ("with", &[" as (", " as materialized ("]),
    ("create", OBJECTS),
    ("drop", OBJECTS),
    ("alter", OBJECTS),
    ("truncate", &["table "]),
    ("merge", &["into "]),
    ("grant", &[" on "]),
    ("replace", &["into "]),
];

/// What is created, changed and dropped.
const OBJECTS: &[&str] = &[
    "table ",
    "view ",
    "index ",
    "procedure ",
    "function ",
    "trigger ",
    "database ",
    "schema ",
    "sequence ",
    "type ",
    "role ",
    "user ",
    "extension ",
    "domain ",
    "tablespace ",
];

/// How much of a statement is looked at.
const LONGEST: usize = 4096;

/// Whether the text is SQL.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    let body = without_remarks(text.body.trim_start_matches('\u{feff}'));
    let start = &body[..body.floor_char_boundary(LONGEST)];
    let lower = start.to_ascii_lowercase();
    let mut words = lower.split_ascii_whitespace();
    let mut first = words.next()?;
    if matches!(first, "begin;" | "begin" | "start") {
        first = words.find(|word| STATEMENTS.iter().any(|(known, _)| known == word))?;
    }
    let (_, follows) = STATEMENTS.iter().find(|(word, _)| *word == first)?;
    let at = lower.find(first)? + first.len();
    let end = lower[at..].find(';').map_or(lower.len(), |end| at + end);
    let statement: Vec<&str> = lower[at..end].split_ascii_whitespace().collect();
    let statement = format!(" {} ", statement.join(" "));
    let is_ended = body
        .lines()
        .any(|line| line.trim_end().ends_with(';') || line.trim() == "go" || line.trim() == "GO");
    let is_upper = start.get(..first.len()) == Some(first.to_ascii_uppercase().as_str());
    let is_prose = statement.trim_end().ends_with('.') || statement.contains(". ");
    let holds = follows.iter().any(|word| statement.contains(word));
    (holds && !is_prose && (is_ended || is_upper && statement.contains(['*', '=', '(', ','])))
        .then(|| Finding::likely("application/sql"))
}

/// What follows comments.
fn without_remarks(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let after = if rest.starts_with("--") || rest.starts_with("# ") {
            rest.find('\n').map(|end| &rest[end..])
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|end| &rest[end + 2..])
        } else {
            None
        };
        match after {
            Some(after) => rest = after.trim_start(),
            None => return rest,
        }
    }
}
