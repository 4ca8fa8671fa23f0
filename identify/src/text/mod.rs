//! Text: decoded first, then judged by its structure, the strictest grammar
//! first, so that prose about a format is not taken for the format.

mod config;
mod decode;
mod json;
mod lines;
mod mail;
mod markdown;
mod markup;
mod source;
mod tabular;
mod xml_roots;

pub(crate) use decode::{Text, decode};

use crate::finding::Finding;
use crate::identification::Confidence;

/// One grammar's opinion.
type Judge<'a> = dyn Fn(&Text) -> Option<Finding> + 'a;

/// What the text is; `text/plain` when it has no structure we know.
pub(crate) fn judge(text: &Text) -> Finding {
    let clear_source =
        |text: &Text| source::judge(text).filter(|found| found.confidence >= Confidence::Likely);
    let judges: [&Judge<'_>; 10] = [
        &markup::judge,
        &lines::judge,
        &json::judge,
        &mail::judge,
        &source::judge_marked,
        &config::judge,
        &clear_source,
        &tabular::judge,
        &markdown::judge,
        &source::judge,
    ];
    judges
        .iter()
        .find_map(|judge| judge(text))
        .unwrap_or(if text.is_clean {
            Finding::likely("text/plain")
        } else {
            Finding::guess("text/plain")
        })
}

/// Whether the text could be what a name claims it to be: a lie about a
/// grammar that can be tested is found out here.
pub(crate) fn supports(text: &Text, media_type: &str) -> bool {
    match media_type {
        "text/html" | "application/xhtml+xml" => markup::has_tags(text),
        "application/json"
        | "application/geo+json"
        | "application/manifest+json"
        | "application/ld+json"
        | "model/gltf+json"
        | "application/x-ipynb+json"
        | "application/x-ndjson" => json::is_tolerable(text),
        "application/toml" => config::is_tolerable_toml(text),
        "application/yaml" => config::is_tolerable_yaml(text),
        "text/markdown" => markdown::is_tolerable(text),
        "text/csv" | "text/tab-separated-values" => tabular::is_tolerable(text),
        "application/x-subrip" | "text/vtt" => text.body.contains("-->"),
        "message/rfc822" | "application/mbox" | "multipart/related" => mail::is_tolerable(text),
        "text/calendar" | "text/vcard" | "text/x-vcalendar" => {
            text.body.to_ascii_uppercase().contains("BEGIN:V")
        }
        "image/svg+xml" => text.body.contains("<svg"),
        kind if kind.ends_with("+xml")
            || kind == "application/xml"
            || kind == "application/x-fictionbook+xml" =>
        {
            text.body.trim_start().starts_with('<')
        }
        "application/rtf" | "application/pdf" | "application/postscript" => false,
        kind => source::supports(text, kind),
    }
}
