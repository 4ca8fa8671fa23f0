//! Prose: lines of words as people write them, with sentences among them. What is no more than that
//! shows no language and no notation, whatever words of theirs it uses.

use super::decode::Text;

/// How many lines are looked at.
const MOST_LINES: usize = 400;

/// What a sentence has at least.
const FEWEST_WORDS: usize = 4;

/// What stands before words and behind them.
const OPENING: &[char] = &[
    '(', '"', '\'', '\u{201c}', '\u{201e}', '\u{2018}', '\u{ab}', '\u{bf}', '\u{a1}',
];
const CLOSING: &[char] = &[
    '.', ',', ':', ';', '!', '?', ')', '"', '\'', '%', '\u{2026}', '\u{201c}', '\u{201d}',
    '\u{2019}', '\u{bb}',
];

/// What prints sentences, or remarks on something.
const STATEMENTS: &[&str] = &[
    "echo", "rem", "@rem", "print", "puts", "say", "write", "dnl",
];

/// Whether nine of ten lines are words and nothing else, and some of them sentences.
pub(super) fn are_all(text: &Text) -> bool {
    let (mut lines, mut worded, mut sentences) = (0_usize, 0_usize, 0_usize);
    for line in text.written_lines(MOST_LINES) {
        lines += 1;
        if is_worded(line) {
            worded += 1;
            sentences += usize::from(is_sentence(line));
        }
    }
    sentences >= 1 && sentences * 6 >= lines && worded * 10 >= lines * 9
}

/// Whether nothing but words, numbers and the marks between them stands in the line.
fn is_worded(line: &str) -> bool {
    line.split_whitespace().all(|token| {
        let inner = token.trim_start_matches(OPENING).trim_end_matches(CLOSING);
        matches!(inner, "" | "-" | "--" | "\u{2013}" | "\u{2014}" | "&")
            || inner.chars().all(|letter| {
                letter.is_alphanumeric()
                    || matches!(
                        letter,
                        '\'' | '\u{2019}' | '-' | '\u{2013}' | '\u{2014}' | '.' | '/'
                    )
            }) && inner.starts_with(char::is_alphanumeric)
    })
}

/// Words with a full stop or the like behind them, and a capital letter or a mark before them.
fn is_sentence(line: &str) -> bool {
    let line = line.trim();
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default().to_ascii_lowercase();
    let bare = line.trim_end_matches([')', '"', '\'', '\u{201c}', '\u{201d}', '\u{bb}']);
    let begins = line.starts_with(OPENING)
        || line.starts_with(|letter: char| letter.is_uppercase() || letter.is_ascii_digit());
    !STATEMENTS.contains(&first.as_str())
        && words.count() + 1 >= FEWEST_WORDS
        && line.contains(char::is_lowercase)
        && (bare.ends_with(['?', '!', '\u{2026}']) || begins && bare.ends_with('.'))
}
