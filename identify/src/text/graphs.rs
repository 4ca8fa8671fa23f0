//! GraphQL: selections and types, by the tokens that their grammar allows where they stand.

use super::decode::Text;
use crate::finding::Finding;

/// How much of a document is looked at.
const LONGEST: usize = 16 * 1024;

/// What definitions begin with; those of a schema, then those that are executed.
const SCHEMA: &[&str] = &[
    "type",
    "input",
    "enum",
    "interface",
    "union",
    "scalar",
    "schema",
    "directive",
    "extend",
];
const EXECUTED: &[&str] = &["query", "mutation", "subscription", "fragment"];

/// What definitions show as a whole.
#[derive(Default)]
struct Shown {
    definitions: usize,
    /// Fields with a type behind a colon.
    typed: usize,
    /// Selections within selections, arguments with variables, and spreads.
    selected: usize,
    names: usize,
}

/// Whether the text is GraphQL, as far as it is looked at.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    let body = text.body.trim_start_matches('\u{feff}').trim();
    let start = &body[..body.floor_char_boundary(LONGEST)];
    let mut begin = start.lines().map(str::trim);
    let first = begin.find(|line| !line.is_empty() && !line.starts_with(['#', '"']))?;
    let word = first
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .next()?;
    if !first.starts_with('{') && !SCHEMA.contains(&word) && !EXECUTED.contains(&word) {
        return None;
    }
    let is_whole = text.is_whole && start.len() == body.len();
    let shown = read(start, is_whole)?;
    let is_schema = shown.typed >= 1;
    let is_query = shown.selected >= 1 && shown.names >= 3;
    (shown.definitions >= 1 && (is_schema || is_query))
        .then(|| Finding::likely("application/graphql"))
}

/// Follows the tokens; nothing where one stands that the grammar doesn't have there.
fn read(start: &str, is_whole: bool) -> Option<Shown> {
    let mut shown = Shown::default();
    let (mut braces, mut rounds) = (0_usize, 0_usize);
    let mut head = "";
    let mut before = "";
    for token in Tokens(start) {
        let is_name =
            token.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
        match token {
            "{" if rounds == 0 => {
                shown.selected += usize::from(braces >= 1);
                shown.definitions += usize::from(braces == 0);
                braces += 1;
            }
            "}" if rounds == 0 => {
                braces = braces.checked_sub(1)?;
                head = if braces == 0 { "" } else { head };
            }
            "(" => rounds += 1,
            ")" => {
                rounds = rounds.checked_sub(1)?;
                shown.selected += usize::from(braces >= 1 && rounds == 0);
            }
            "..." => shown.selected += usize::from(braces >= 1),
            "$" if rounds == 0 => return None,
            ":" | "!" | "@" | "$" | "&" | "|" | "[" | "]" | "{" | "}" | "," => {}
            // Defaults stand in the fields of inputs, and members behind the name of a union.
            "=" if rounds > 0 || matches!(head, "union" | "input" | "extend") => {}
            _ if token.starts_with('"') => {}
            _ if is_name && braces == 0 && rounds == 0 && head.is_empty() => {
                if !SCHEMA.contains(&token) && !EXECUTED.contains(&token) {
                    return None;
                }
                head = token;
            }
            _ if is_name => {
                shown.names += usize::from(braces > 0 && rounds == 0);
                let is_schema = SCHEMA.contains(&head);
                let kind = token.starts_with(|letter: char| letter.is_ascii_uppercase());
                shown.typed += usize::from(
                    is_schema && braces == 1 && rounds == 0 && kind && matches!(before, ":" | "["),
                );
                let ends = matches!(head, "scalar" | "union" | "directive") && braces == 0;
                if ends && SCHEMA.contains(&token) && before != "|" && before != "=" {
                    head = token;
                }
                if head == "scalar" && braces == 0 && before == "scalar" {
                    head = "";
                }
            }
            _ if rounds > 0 || head == "input" => {}
            _ => return None,
        }
        before = token;
    }
    (!is_whole || braces == 0 && rounds == 0).then_some(shown)
}

/// The tokens of a document, without its comments.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            self.0 = self.0.trim_start();
            if !self.0.starts_with('#') {
                break;
            }
            self.0 = self.0.find('\n').map_or("", |end| &self.0[end..]);
        }
        let first = self.0.chars().next()?;
        let length = if self.0.starts_with("...") {
            3
        } else if let Some(rest) = self.0.strip_prefix("\"\"\"") {
            rest.find("\"\"\"").map_or(self.0.len(), |end| end + 6)
        } else if first == '"' {
            let end = self.0[1..].find(['"', '\n']);
            end.map_or(self.0.len(), |end| end + 2)
        } else if first.is_ascii_alphanumeric() || matches!(first, '_' | '-') {
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-.+".contains(letter);
            self.0
                .find(|letter| !is_part(letter))
                .unwrap_or(self.0.len())
        } else {
            first.len_utf8()
        };
        let (token, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        Some(token)
    }
}
