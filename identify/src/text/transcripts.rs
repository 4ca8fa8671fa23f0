//! What has no type of its own and looks like what has: traces, messages of compilers, logs, dumps
//! and changelogs, which programs write, and languages that borrow the words of many others. Plain
//! text is what they are.

use super::decode::Text;
use crate::finding::Finding;

/// How many lines are looked at.
const MOST_LINES: usize = 60;

/// Whether the text has no type of its own.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    (is_printed(text) || is_borrowed(text)).then(|| Finding::likely("text/plain"))
}

/// Whether a program wrote the text, which then is nothing that a name may claim.
pub(super) fn is_printed(text: &Text) -> bool {
    let lines = text.written_lines(MOST_LINES);
    let is_dump = lines.first().is_some_and(|line| line.starts_with("000000"))
        && mostly(&lines, 1, is_dumped);
    is_dump
        || is_trace(&lines)
        || mostly(&lines, 2, is_logged)
        || is_diagnosed(&lines)
        || is_changelog(&lines)
}

/// Whether at least one of so many lines is so, and no fewer than two.
fn mostly(lines: &[&str], of: usize, fact: fn(&str) -> bool) -> bool {
    let count = lines.iter().filter(|line| fact(line)).count();
    count >= 2 && count * of >= lines.len()
}

/// A stack that a program left when it failed.
fn is_trace(lines: &[&str]) -> bool {
    let places = lines.iter().filter(|line| {
        let place = line.trim_start();
        place.starts_with("File \"") && place.contains(", line ")
            || place.starts_with("at ") && place.ends_with(')') && place.contains(':')
    });
    let begins = lines
        .first()
        .is_some_and(|line| line.starts_with("Traceback (") || line.starts_with("Exception in "));
    begins && places.count() >= 1
}

/// Offsets, bytes in hexadecimal digits, and what they are as text.
fn is_dumped(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_hexadecimal = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let offset = words.next().unwrap_or_default().trim_end_matches(':');
    let is_bytes = |word: &str| matches!(word.len(), 2 | 4) && is_hexadecimal(word);
    (6..=16).contains(&offset.len()) && is_hexadecimal(offset) && words.next().is_none_or(is_bytes)
}

/// A date and a time of day, in brackets or not, and words behind them.
fn is_logged(line: &str) -> bool {
    let start = line.trim_start_matches(['[', '(', '<']);
    let start = &start[..start.floor_char_boundary(40)];
    let is_day = start.get(..10).is_some_and(|day| {
        day.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => matches!(byte, b'-' | b'/' | b'.'),
            _ => byte.is_ascii_digit(),
        })
    });
    let is_named = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    .iter()
    .any(|month| start.starts_with(month));
    let has_clock = start.split([' ', 'T', ']']).any(|word| {
        let word = word.as_bytes();
        word.len() >= 8
            && word
                .iter()
                .all(|byte| byte.is_ascii_digit() || b":.,+-Z".contains(byte))
            && word[2] == b':'
            && word[5] == b':'
            && word[..8]
                .iter()
                .filter(|byte| byte.is_ascii_digit())
                .count()
                == 6
    });
    (is_day || is_named) && has_clock && line.split(' ').count() >= 4
}

/// Entries of a changelog of Debian (Policy, section 4.4) or GNU: a version, or a day and a person.
fn is_changelog(lines: &[&str]) -> bool {
    lines.first().is_some_and(|line| {
        let is_release = line.contains(" (") && line.contains("; urgency=");
        let is_signed = line.contains('<') && line.contains('@') && line.ends_with('>');
        let is_dated = line.get(..10).is_some_and(|day| {
            day.bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-')
        });
        !line.starts_with(' ') && is_release || is_signed && is_dated
    })
}

/// Scripts of Vim, macros of M4, and locales of C's library.
fn is_borrowed(text: &Text) -> bool {
    let count = |words: &[&str]| {
        let lines = text.lines().take(400).map(str::trim_start);
        let begin = |line: &&str| words.iter().any(|word| line.starts_with(word));
        lines.filter(begin).count()
    };
    let remarks = text
        .lines()
        .take(400)
        .filter(|line| line.trim_start().starts_with("\" ") && line.matches('"').count() == 1);
    let vim = [
        "let s:",
        "let g:",
        "let b:",
        "let &",
        "setlocal ",
        "silent",
        "augroup ",
        "autocmd ",
    ];
    remarks.count() >= 3
        || count(&vim) >= 3
        || count(&["dnl", "AC_", "AM_", "m4_", "define(`"]) >= 2
        || count(&["comment_char ", "escape_char ", "LC_IDENTIFICATION"]) >= 2
}

/// Messages of a compiler, each with the place that it is about.
fn is_diagnosed(lines: &[&str]) -> bool {
    let is_message = |line: &&&str| {
        ["error: ", "error[", "warning: ", "note: ", "help: "]
            .iter()
            .any(|word| line.starts_with(word))
    };
    let is_place = |line: &&&str| {
        let arrow = line.trim_start().strip_prefix("--> ");
        let place = arrow.or_else(|| {
            [": error: ", ": warning: ", ": note: "]
                .iter()
                .find_map(|word| line.split_once(word))
                .map(|(place, _)| place)
        });
        place.is_some_and(|place| {
            place.rsplit(':').next().is_some_and(|number| {
                !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
            })
        })
    };
    let first = lines.first();
    let begins = first.is_some_and(|line| is_message(&line) || is_place(&line));
    begins && lines.iter().any(|line| is_place(&line))
}
