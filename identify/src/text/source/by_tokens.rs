//! The language whose tokens a text shows, scored against those of all others.

use super::languages;
use super::sample::Sample;
use crate::finding::Finding;
use crate::text::decode::Text;

/// Languages whose statements are words and little else.
const TERSE: &[&str] = &[
    "text/x-shellscript",
    "text/x-msdos-batch",
    "text/x-perl",
    "text/x-tcl",
    "text/x-makefile",
    "text/x-dockerfile",
    "text/x-asm",
    "text/x-tex",
    "text/x-bibtex",
    "text/troff",
    "text/x-fortran",
    "text/x-haskell",
];

/// From so many lines on, code without any token of its language is none.
const LONG_CODE: usize = 10;

/// The language whose tokens are found most, if enough are.
pub(in crate::text) fn judge(text: &Text) -> Option<Finding> {
    let sample = Sample::new(text);
    // An editor's scripts borrow words of many languages; their comments
    // begin with a quotation mark that is not closed.
    let remarks = sample
        .lines
        .iter()
        .filter(|line| line.starts_with("\" ") && line.matches('"').count() == 1);
    if remarks.count() >= 3 {
        return None;
    }
    let scores = sample.scores();
    let (best, score) = *scores.first()?;
    let second = scores.get(1).map_or(0, |(_, score)| *score);
    if score < best.enough {
        return None;
    }
    if !sample.is_code() {
        return None;
    }
    let clear = score >= second + 2 || score * 2 >= second * 3;
    Some(if clear && score >= best.enough + 4 {
        Finding::likely(best.media_type)
    } else {
        Finding::guess(best.media_type)
    })
}

/// Whether a name may call this text code of the language: no other language
/// is much clearer, and something of it is there.
pub(in crate::text) fn supports(text: &Text, media_type: &str) -> bool {
    let sample = Sample::new(text);
    let scores = sample.scores();
    let own = scores
        .iter()
        .find(|(language, _)| language.media_type == media_type)
        .map(|(_, score)| *score);
    let best = scores.first().map_or(0, |(_, score)| *score);
    let terse = TERSE.contains(&media_type) || !is_known(media_type);
    let looks_right = if terse {
        sample.looks_like_code()
    } else {
        sample.looks_like_statements()
    };
    match own {
        Some(score) => {
            (score * 3 >= best || best < 4) && looks_right
                || score >= 4 && score * 2 >= best && sample.is_code()
        }
        // Longer code shows at least one of its language's many tokens.
        None if is_known(media_type) => {
            best < 4 && looks_right && (terse || sample.lines.len() < LONG_CODE)
        }
        None => best < 12 || looks_right,
    }
}

/// Whether it is a language with tokens of its own here.
pub(in crate::text) fn is_known(media_type: &str) -> bool {
    languages::all().any(|language| language.media_type == media_type)
}

/// Whether the text shows tokens of the language, and none much more clearly.
pub(in crate::text) fn shows(text: &Text, media_type: &str) -> bool {
    let sample = Sample::new(text);
    let scores = sample.scores();
    let best = scores.first().map_or(0, |(_, score)| *score);
    sample.is_code()
        && scores.iter().any(|(language, score)| {
            language.media_type == media_type && *score >= 3 && *score * 2 >= best
        })
}
