//! What a name may add: a choice that the content gives evidence of, and nothing that would make
//! something that runs look harmless. What no rule here allows, a name may not claim.

use super::{active, family};
use crate::content::Content;
use crate::finding::Finding;
use crate::identification::Confidence;
use crate::text;

/// Specific XML and JSON types that most people keep calling by the general
/// name: a `.xml` or `.json` at the end is then taken at its word.
const LOOSE: &[&str] = &[
    "application/rss+xml",
    "application/atom+xml",
    "application/rdf+xml",
    "application/docbook+xml",
    "application/xliff+xml",
    "application/marcxml+xml",
    "application/mods+xml",
    "application/mets+xml",
    "application/tei+xml",
    "application/soap+xml",
    "application/x-plist",
    "application/vnd.openstreetmap.data+xml",
    "application/geo+json",
    "application/ld+json",
    "application/x-ndjson",
    "application/har+json",
];

/// Vocabularies whose documents are kept as plain XML more often than under their own names:
/// feeds are saved, served and archived as `.xml`. The root tells the vocabulary; that somebody
/// means the type of its own, the name has to say.
const FEEDS: &[&str] = &["application/rss+xml", "application/atom+xml"];

/// What content is called when no name was chosen for it.
pub(crate) fn by_content(detected: &'static str, named: Option<&str>) -> &'static str {
    if FEEDS.contains(&detected) && named != Some(detected) {
        "application/xml"
    } else {
        detected
    }
}

/// The type that the name makes of what the content left open. A name claims nothing that the
/// content doesn't show evidence of: the type that its extension means first, then the others.
pub(crate) fn by_name(content: &Content, claims: &[&'static str]) -> Option<&'static str> {
    let first = *claims.first()?;
    let Some(found) = content.finding else {
        return chosen(claims, |named| content.may_be.contains(&named));
    };
    if claims.contains(&found.media_type)
        && (found.media_type != "text/plain" || first == "text/plain")
    {
        return Some(found.media_type);
    }
    match &content.text {
        Some(text) if family::is_textual(found.media_type) => {
            let claims = text::most_shown(text, claims);
            chosen(&claims, |named| {
                let is_default = named == "text/plain" && first != named;
                text_by_name(text, found, named) && (!is_default || found.media_type == named)
            })
        }
        _ => chosen(claims, |named| binary_by_name(found, named)),
    }
}

fn chosen(claims: &[&'static str], may_be: impl Fn(&'static str) -> bool) -> Option<&'static str> {
    claims.iter().copied().find(|named| may_be(named))
}

fn text_by_name(text: &text::Text, found: Finding, named: &str) -> bool {
    if !family::is_textual(named) {
        return found.media_type == "text/plain" && text::shows_notation(text, named);
    }
    let detected = found.media_type;
    if LOOSE.contains(&detected) && matches!(named, "application/xml" | "application/json") {
        return family::is_xml(detected) == family::is_xml(named);
    }
    match detected {
        "application/xml" if named == "text/html" => text.body.contains("<html"),
        "application/xml" => text::has_root_of(text, named),
        "application/json" => text::has_keys_of(text, named),
        "text/html" => text::is_page_of(text, named),
        "application/xhtml+xml" => named == "text/html",
        "message/rfc822" | "application/mbox" if named == "text/x-diff" => {
            text.body.contains("\n@@ -")
        }
        "application/mbox" => named == "message/rfc822" && text::is_one_message(text),
        "message/rfc822" => named == "multipart/related" && text.body.contains("multipart/"),
        "text/plain" => text::supports(text, named),
        _ if found.confidence == Confidence::Certain => scripts(detected, named),
        _ => by_more_evidence(text, found, named),
    }
}

/// Whether a name overrides a structure that was found but isn't certain.
fn by_more_evidence(text: &text::Text, found: Finding, named: &str) -> bool {
    let detected = found.media_type;
    // A name that calls something that runs plain text is not believed.
    let hides = active::is_active(detected) && !active::is_active(named);
    if hides && found.confidence >= Confidence::Likely {
        return false;
    }
    if found.confidence >= Confidence::Likely {
        // INI files with quoted values look like TOML, and notes like Markdown.
        let tables = ["text/csv", "text/tab-separated-values"];
        if named == "text/plain" {
            return tables.contains(&detected)
                || matches!(
                    detected,
                    "text/markdown" | "text/x-rst" | "application/toml"
                );
        }
        let prose = tables.contains(&detected) || detected == "text/markdown";
        if detected == "application/yaml" {
            return text::is_code_of(text, named);
        }
        if tables.contains(&named) && !prose {
            return false;
        }
    }
    text::overrules(text, detected, named)
}

fn scripts(detected: &str, named: &str) -> bool {
    detected == "text/javascript" && matches!(named, "application/typescript" | "text/jsx")
        || detected == "text/x-c" && matches!(named, "text/x-c++" | "text/x-objective-c")
}

fn binary_by_name(found: Finding, named: &str) -> bool {
    found.may_be.contains(&named)
        || matches!(
            found.media_type,
            "application/pkcs7-mime" | "application/pkcs7-signature"
        ) && matches!(
            named,
            "application/pkcs7-mime"
                | "application/pkcs7-signature"
                | "application/x-pkcs7-certificates"
        )
}
