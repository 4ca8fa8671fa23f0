//! TeX by its commands, and bibliographies by their entries.

use super::decode::Text;
use crate::finding::Finding;

/// How many lines are looked at.
const MOST_LINES: usize = 200;

/// Whether the text is set by TeX, or holds what BibTeX refers to.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('%'))
        .take(MOST_LINES)
        .collect();
    if is_bibliography(&lines) {
        return Some(Finding::likely("text/x-bibtex"));
    }
    let commands = lines.iter().filter(|line| is_command(line)).count();
    (commands >= 2 && commands * 2 > lines.len()).then(|| Finding::likely("text/x-tex"))
}

/// A backslash, a word, and what a command may have behind it.
fn is_command(line: &str) -> bool {
    let Some(rest) = line.strip_prefix('\\') else {
        return false;
    };
    let word = rest
        .find(|letter: char| !letter.is_ascii_alphabetic() && letter != '@')
        .unwrap_or(rest.len());
    let follows = rest[word..].chars().next();
    word >= 2
        && follows
            .is_none_or(|letter| matches!(letter, '{' | '[' | '\\' | ' ' | '%' | '#' | '=' | '*'))
}

/// An entry with a key first, then fields.
fn is_bibliography(lines: &[&str]) -> bool {
    let entry = |line: &str| {
        let Some((kind, rest)) = line
            .strip_prefix('@')
            .and_then(|line| line.split_once(['{', '(']))
        else {
            return false;
        };
        let key = rest.split(',').next().unwrap_or_default();
        let is_macro = kind.eq_ignore_ascii_case("string") || kind.eq_ignore_ascii_case("preamble");
        let kind = kind.trim_end();
        !kind.is_empty()
            && kind.bytes().all(|byte| byte.is_ascii_alphabetic())
            && (is_macro
                || !key.is_empty() && !key.contains([' ', ';', '=', '(']) && rest.contains(','))
    };
    let field = |line: &&str| {
        line.split_once('=').is_some_and(|(name, value)| {
            let name = name.trim_end();
            let name = name.rsplit([',', ' ']).next().unwrap_or(name);
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'))
                && value.trim_start().starts_with(|letter: char| {
                    matches!(letter, '{' | '"') || letter.is_ascii_alphanumeric()
                })
        })
    };
    let first = lines.iter().position(|line| entry(line));
    first.is_some_and(|at| {
        at <= 20
            && lines[..at].iter().all(|line| !line.ends_with([';', '{']))
            && lines[at..].iter().take(4).any(field)
    })
}
