//! Which media types a name may claim for a text: those that the text doesn't contradict.

use super::decode::Text;
use super::{config, json, mail, markdown, markup, source, tabular};

/// Whether the text could be what a name claims it to be, when its own
/// structure says nothing: a lie about a grammar that can be tested is found
/// out here. Blank text could be anything, and so is nothing.
pub(crate) fn supports(text: &Text, media_type: &str) -> bool {
    if media_type == "text/plain" {
        return true;
    }
    if text.body.trim().is_empty() {
        return false;
    }
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
        kind => source::supports(text, kind) && !(source::is_known(kind) && config::is_ini(text)),
    }
}

/// Whether a name may overrule what the text's own structure says: it needs
/// more of its own than text without any structure does.
pub(crate) fn overrules(text: &Text, detected: &str, named: &str) -> bool {
    if !supports(text, named) {
        return false;
    }
    let code = source::is_known(detected);
    let near = |family: &[&str]| family.contains(&detected) && family.contains(&named);
    if near(&["text/x-c", "text/x-c++", "text/x-objective-c"])
        || detected == "text/javascript"
            && near(&["text/javascript", "application/typescript", "text/jsx"])
    {
        return true;
    }
    match named {
        "text/markdown" => markdown::is_marked(text),
        "text/html" => code && markup::is_page_like(text),
        "application/yaml" | "application/toml" => code,
        "text/csv" | "text/tab-separated-values" => !code && detected != "text/markdown",
        "application/json" => detected != "application/toml" && !code,
        kind if source::is_known(kind) => source::shows(text, kind),
        _ => true,
    }
}
