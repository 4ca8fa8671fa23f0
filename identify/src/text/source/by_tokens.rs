//! The language whose tokens a text shows, scored against those of all others.

use super::languages::{self, Language, Shown};
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

/// Languages of which nothing says much outside a block in braces.
const BRACED: &[&str] = &[
    "text/css",
    "text/x-scss",
    "text/x-less",
    "text/x-thrift",
    "text/x-protobuf",
    "text/x-java",
    "text/x-csharp",
    "application/graphql",
];

/// Languages that are blocks in braces, and directives.
const STYLES: &[&str] = &["text/css", "text/x-scss", "text/x-less"];

/// From so many lines on, code without any token of its language is none.
const LONG_CODE: usize = 10;

/// A longer text shows its language clearly, or is of another.
const MOST_GUESSED: usize = 40;

/// The language whose tokens are found most, if enough are.
pub(in crate::text) fn judge(text: &Text) -> Option<Finding> {
    let sample = Sample::new(text);
    let scores = sample.scores();
    let (best, score) = *scores.first()?;
    let second = scores.get(1).map_or(0, |(_, score)| *score);
    // What includes a file and shows some of C++ is no other language, however short.
    let includes = sample.code().first().is_some_and(|line| {
        ["#include <", "#include \""]
            .iter()
            .any(|start| line.starts_with(start))
    });
    if includes && best.media_type == "text/x-c++" && score >= 4 && sample.is_code() {
        return Some(Finding::likely(best.media_type));
    }
    if score < best.enough {
        return None;
    }
    if !sample.is_code() || sample.is_wordy() {
        return None;
    }
    if BRACED.contains(&best.media_type) && !text.body.contains('{') {
        return None;
    }
    let clear = score >= second + 2 || score * 2 >= second * 3;
    if best.media_type == "text/css"
        && let Some(dialect) = sample.style_dialect()
    {
        return Some(Finding::likely(dialect));
    }
    if best.media_type == "text/javascript" && sample.is_typed() {
        return Some(Finding::likely("application/typescript"));
    }
    // Everybody registers it as plain text, as a CMakeLists.txt is; a name may say more.
    if best.media_type == "text/x-cmake" {
        return Some(Finding::likely("text/plain"));
    }
    match (clear, score >= best.enough + 4) {
        (true, true) => Some(Finding::likely(best.media_type)),
        (false, false) => None,
        _ if sample.code().len() > MOST_GUESSED => None,
        _ => Some(Finding::guess(best.media_type)),
    }
}

/// Whether a name may call this text code of the language: no other language
/// is much clearer, and something of it is there.
pub(in crate::text) fn supports(text: &Text, media_type: &str) -> bool {
    let sample = Sample::new(text);
    if STYLES.contains(&media_type) && !text.body.contains('{') && !sample.is_of_directives() {
        return false;
    }
    let scores = sample.scores();
    let shown = languages::shown(media_type, &sample.code());
    if !is_known(media_type) {
        return shown > Shown::Nothing && best_beside(&scores, media_type) < 12 && sample.is_code();
    }
    let best = scores.first().map_or(0, |(_, score)| *score);
    let own = score_of(&scores, media_type);
    let terse = TERSE.contains(&media_type);
    let looks_right = if terse {
        sample.looks_like_code()
    } else {
        sample.looks_like_statements()
    };
    if shown == Shown::Much && own * 2 >= best.saturating_sub(12) && sample.is_code() {
        return true;
    }
    if media_type == "text/x-python" && sample.is_imports() {
        return true;
    }
    // What other languages have too is not enough of the two that are claimed most.
    let is_common = matches!(media_type, "text/x-python" | "text/javascript");
    if is_common && sample.lines.len() >= LONG_CODE && own < 4 {
        return media_type == "text/x-python" && best < 8 && sample.is_indented();
    }
    if own > 0 {
        return (own * 3 >= best || best < 4) && looks_right
            || own >= 4 && own * 2 >= best && sample.is_code();
    }
    // Longer code shows more of its language's many tokens.
    if is_common && own == 0 && !sample.could_be(media_type) {
        return false;
    }
    // What is nothing but comments shows no words.
    let is_shown =
        shown > Shown::Nothing || !languages::are_told(media_type) || sample.code().is_empty();
    own == 0 && best < 4 && looks_right && is_shown && (terse || sample.lines.len() < LONG_CODE)
}

/// Whether a name may choose this dialect of the language that was found.
pub(in crate::text) fn is_dialect(text: &Text, media_type: &str, found: &str) -> bool {
    let sample = Sample::new(text);
    let scores = sample.scores();
    let (own, best) = (score_of(&scores, media_type), score_of(&scores, found));
    let shown = languages::shown(media_type, &sample.code());
    // What has more than C is no C; all of C may be more.
    if media_type == "text/x-c" {
        return own * 2 >= best;
    }
    own > 0 || shown > Shown::Nothing
}

/// Whether a name may choose this language although another was found: they are near each other,
/// or most of the text is this one.
pub(in crate::text) fn supports_among(text: &Text, media_type: &str, found: &str) -> bool {
    // What is one may be the other, all of it.
    if matches!(media_type, "application/typescript" | "text/javascript") {
        return matches!(
            found,
            "application/typescript" | "text/javascript" | "text/jsx"
        );
    }
    if media_type == "text/jsx" {
        return text.body.contains("</") || text.body.contains("/>");
    }
    let sample = Sample::new(text);
    let scores = sample.scores();
    let (own, best) = (score_of(&scores, media_type), score_of(&scores, found));
    // What only a name tells needs words that the language which was found has not.
    if !is_known(media_type) || own == 0 {
        return languages::shown_beside(media_type, found, &sample.code()) > Shown::Nothing;
    }
    own * 3 >= best || best < 8
}

/// Whether the text looks like code of any language.
pub(in crate::text) fn is_written(text: &Text) -> bool {
    let sample = Sample::new(text);
    sample.looks_like_code()
        || sample
            .scores()
            .first()
            .is_some_and(|(_, score)| *score >= 8)
}

/// Whether most of the text is of a language that only a name tells, and not of another that was
/// found.
pub(in crate::text) fn is_mostly(text: &Text, media_type: &str, found: &str) -> bool {
    let sample = Sample::new(text);
    let shown = languages::shown_beside(media_type, found, &sample.code());
    sample.is_code() && shown == Shown::Much
}

fn score_of(scores: &[(&Language, usize)], media_type: &str) -> usize {
    scores
        .iter()
        .find(|(language, _)| language.media_type == media_type)
        .map_or(0, |(_, score)| *score)
}

fn best_beside(scores: &[(&Language, usize)], media_type: &str) -> usize {
    scores
        .iter()
        .find(|(language, _)| language.media_type != media_type)
        .map_or(0, |(_, score)| *score)
}

/// Puts the languages first of which the text shows most.
pub(in crate::text) fn sort_by_score(text: &Text, media_types: &mut [&'static str]) {
    let sample = Sample::new(text);
    let scores = sample.scores();
    media_types.sort_by_key(|media_type| std::cmp::Reverse(score_of(&scores, media_type)));
}

/// Whether it is a language of which a name needs tokens.
pub(in crate::text) fn is_known(media_type: &str) -> bool {
    languages::common().any(|language| language.media_type == media_type)
}

/// Whether it is a language at all.
pub(in crate::text) fn is_language(media_type: &str) -> bool {
    languages::all().any(|language| language.media_type == media_type)
}

/// Whether the text shows tokens of the language, and none more clearly.
pub(crate) fn shows(text: &Text, media_type: &str) -> bool {
    if !is_known(media_type) {
        return is_mostly(text, media_type, "");
    }
    let sample = Sample::new(text);
    let scores = sample.scores();
    let best = scores.first().map_or(0, |(_, score)| *score);
    let own = score_of(&scores, media_type);
    // A program may hold more of another language, in its texts, than of its own.
    let opens = own >= 4 && own * 4 >= best && opens_as(media_type, &sample.code());
    sample.is_code() && own >= 3 && (own * 4 >= best * 3 || opens)
}

/// What the first line of a program begins and ends with, in languages whose programs say where
/// they belong or what they need before anything else.
const OPENINGS: &[(&str, &str, &str)] = &[
    ("text/x-go", "package ", ""),
    ("text/x-ruby", "module ", ""),
    ("text/x-ruby", "class ", ""),
    ("text/x-ruby", "require ", ""),
    ("text/x-java", "package ", ";"),
    ("text/x-java", "import ", ";"),
    ("text/x-python", "import ", ""),
    ("text/x-python", "from ", ""),
    ("text/x-perl", "use ", ";"),
    ("text/x-perl", "package ", ";"),
    ("text/x-csharp", "using ", ";"),
    ("text/rust", "use ", ";"),
];

/// Whether the first line of code opens a program of the language.
fn opens_as(media_type: &str, code: &[&str]) -> bool {
    code.first().is_some_and(|line| {
        OPENINGS.iter().any(|(language, start, end)| {
            *language == media_type && line.starts_with(start) && line.ends_with(end)
        })
    })
}
