//! Which media types a name may claim for a text: those of which the text shows evidence. What is
//! not told of here, no name may claim.

use super::decode::Text;
use super::{
    config, json, mail, markdown, markup_claims, notations, source, tabular, transcripts, words,
};

/// What less text than this in no encoding of Unicode is, chance tells.
const FEWEST_BYTES: usize = 32;

/// Grammars of which one is the other with something more: a name decides, if anything of what it
/// says is there.
const DIALECTS: &[&[&str]] = &[
    &[
        "text/x-c",
        "text/x-c++",
        "text/x-objective-c",
        "text/x-glsl",
    ],
    &["text/css", "text/x-scss", "text/x-less"],
    &[
        "text/x-common-lisp",
        "text/x-scheme",
        "text/x-clojure",
        "text/x-emacs-lisp",
    ],
    &["text/x-vbscript", "text/x-vbdotnet"],
    &["text/x-ocaml", "text/x-fsharp"],
    &["text/x-verilog", "text/x-systemverilog"],
    &["text/x-haskell", "text/x-tex"],
];

/// Grammars that resemble each other: a name decides, if the text shows what only its own has.
const NEAR: &[&[&str]] = &[
    &["text/javascript", "application/typescript", "text/jsx"],
    &[
        "text/x-java",
        "text/x-groovy",
        "text/x-scala",
        "text/x-kotlin",
        "text/x-csharp",
        "text/x-dart",
        "text/x-d",
        "text/x-actionscript",
        "application/typescript",
    ],
    &["text/x-ruby", "text/x-crystal", "text/x-elixir"],
    &["text/x-python", "text/x-nim"],
    &["text/x-perl", "text/x-prolog"],
    &["text/x-pascal", "text/x-ada"],
    &["text/rust", "text/x-zig"],
    &["text/x-makefile", "text/x-shellscript"],
    &["text/x-matlab", "text/x-objective-c"],
];

/// Whether a text without a structure of its own shows what a name claims. Blank text shows
/// nothing.
pub(crate) fn supports(text: &Text, media_type: &str) -> bool {
    if media_type == "text/plain" {
        return true;
    }
    if text.body.trim().is_empty() || transcripts::is_printed(text) {
        return false;
    }
    match media_type {
        "text/html" => markup_claims::has_tags(text),
        "text/asp" | "text/x-jsp" => {
            markup_claims::begins_as_markup(text) && markup_claims::is_page_of(text, media_type)
        }
        "application/xml" => markup_claims::begins_as_markup(text),
        "application/json" => json::is_tolerable(text),
        "application/toml" => config::is_tolerable_toml(text),
        "application/yaml" => config::is_tolerable_yaml(text),
        "text/markdown" => {
            markdown::is_marked(text)
                || markdown::is_list(text)
                || text.is_clean && !text.is_legacy && words::are_all(text)
                || markdown::is_tolerable(text)
                    && !config::is_ini(text)
                    && !source::is_written(text)
        }
        "text/csv" => tabular::is_tolerable(text, &[',', ';', '|']),
        "text/tab-separated-values" => tabular::is_tolerable(text, &['\t']),
        "application/x-subrip" | "text/vtt" => text.body.contains("-->"),
        "message/rfc822" | "application/mbox" => mail::is_tolerable(text, media_type),
        "text/calendar" | "text/vcard" | "text/x-vcalendar" => {
            text.body.to_ascii_uppercase().contains("BEGIN:V")
        }
        // Prose shows no language, whatever words of theirs it uses, nor do a few odd letters.
        _ if words::are_all(text) || text.is_legacy && text.body.len() < FEWEST_BYTES => false,
        kind if notations::is_known(kind) => notations::shows(text, kind),
        kind => source::supports(text, kind) && !config::is_ini(text),
    }
}

/// Whether a name may overrule what the text's own structure says: it needs
/// more of its own than text without any structure does.
pub(crate) fn overrules(text: &Text, detected: &str, named: &str) -> bool {
    if are_of(DIALECTS, detected, named) {
        return source::is_dialect(text, named, detected);
    }
    if are_of(NEAR, detected, named) {
        return source::supports_among(text, named, detected);
    }
    if !source::is_known(named) && source::is_mostly(text, named, detected) {
        return true;
    }
    if !supports(text, named) {
        return false;
    }
    let code = source::is_language(detected);
    match named {
        "text/plain" => true,
        "text/markdown" => markdown::is_marked(text),
        "text/html" => code && markup_claims::is_page_like(text),
        "application/yaml" => code || markdown::is_front_matter(text),
        "application/toml" => code && config::is_toml(text),
        "text/csv" | "text/tab-separated-values" => !code && detected != "text/markdown",
        "application/json" => detected != "application/toml" && !code,
        kind if source::is_known(kind) => source::shows(text, kind),
        kind => notations::is_known(kind) && !code,
    }
}

/// The claims of a name, those first of which the text shows most.
pub(crate) fn most_shown(text: &Text, claims: &[&'static str]) -> Vec<&'static str> {
    let mut claims = claims.to_vec();
    if claims
        .iter()
        .filter(|claim| source::is_known(claim))
        .count()
        > 1
    {
        source::sort_by_score(text, &mut claims);
    }
    claims
}

fn are_of(families: &[&[&str]], one: &str, other: &str) -> bool {
    families
        .iter()
        .any(|family| family.contains(&one) && family.contains(&other))
}
