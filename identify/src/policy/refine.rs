//! What a name may add: a choice within the family that the content is of,
//! and nothing that would make something that runs look harmless.

use super::{active, family};
use crate::content::Content;
use crate::finding::Finding;
use crate::identification::Confidence;
use crate::text;

/// Formats without a mark of their own: for bytes nobody knows, the name is
/// the only word there is.
const UNMARKED: &[&str] = &[
    "image/x-tga",
    "image/x-pict",
    "image/x-rgb",
    "image/vnd.wap.wbmp",
    "application/x-dbf",
    "application/vnd.shx",
    "application/vnd.dgn",
    "application/x-amipro",
    "application/vnd.wordperfect",
    "application/x-font-adobe-metric",
    "application/vnd.hp-pcl",
    "application/vnd.hp-hpgl",
    "application/x-tex-tfm",
    "application/x-lzma",
    "application/x-brotli",
    "application/x-onnx",
    "application/x-protobuf",
    "application/x-macbinary",
    "application/x-spss-por",
    "application/x-apple-diskimage",
    "application/x-raw-disk-image",
    "application/x-python-pickle",
    "application/vnd.quark.quarkxpress",
    "application/vnd.lotus-1-2-3",
    "video/dv",
    "audio/x-mod",
    "audio/x-musepack",
    "application/x-matlab-data",
    "application/marc",
    "application/x-x509-cert",
    "application/x-ms-mdf",
    "application/x-arc",
];

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

/// Packages without a telling entry.
const PLAIN_PACKAGES: &[&str] = &[
    "application/java-archive",
    "application/vnd.android.package-archive",
    "application/x-ios-app",
    "application/x-xpinstall",
    "application/vnd.comicbook+zip",
    "application/vnd.google-earth.kmz",
    "application/vnd.recordare.musicxml",
    "application/vnd.apple.pages",
    "application/vnd.apple.numbers",
    "application/vnd.apple.keynote",
];

/// The type the name makes of what the content left open, if it may.
pub(crate) fn by_name(content: &Content, named: &'static str) -> Option<&'static str> {
    let Some(found) = content.finding else {
        return UNMARKED.contains(&named).then_some(named);
    };
    if found.media_type == named {
        return Some(named);
    }
    let chosen = match &content.text {
        Some(text) if family::is_textual(found.media_type) => text_by_name(text, found, named),
        _ => binary_by_name(found, named),
    };
    chosen.then_some(named)
}

fn text_by_name(text: &text::Text, found: Finding, named: &str) -> bool {
    if !family::is_textual(named) {
        return false;
    }
    let detected = found.media_type;
    if LOOSE.contains(&detected) && matches!(named, "application/xml" | "application/json") {
        return family::is_xml(detected) == family::is_xml(named);
    }
    match detected {
        "application/xml" if named == "text/html" => text.body.contains("<html"),
        "application/xml" => {
            family::is_xml(named)
                && !matches!(named, "text/x-vue" | "text/x-svelte")
                && named != "application/xml"
        }
        "application/json" => family::is_json(named) && named != "application/x-ndjson",
        "text/html" => pages(text, found, named),
        "application/xhtml+xml" => named == "text/html",
        "message/rfc822" | "application/mbox" if named == "text/x-diff" => {
            text.body.contains("\n@@ -")
        }
        "message/rfc822" => {
            matches!(named, "multipart/related") && text.body.contains("multipart/")
        }
        "text/plain" => text::supports(text, named),
        _ if found.confidence == Confidence::Certain => {
            scripts(detected, named) || family::are_siblings(detected, named)
        }
        _ => {
            // A name that calls something that runs plain text is not believed.
            let hides = active::is_active(detected) && !active::is_active(named);
            if hides && found.confidence >= Confidence::Likely {
                return false;
            }
            let tables_and_prose = matches!(
                detected,
                "text/csv" | "text/tab-separated-values" | "text/markdown"
            );
            if found.confidence < Confidence::Likely {
                return text::overrules(text, detected, named);
            }
            // INI files with quoted values look like TOML.
            if named == "text/plain" {
                return tables_and_prose || detected == "application/toml";
            }
            let table = matches!(named, "text/csv" | "text/tab-separated-values");
            if detected == "application/yaml" || table && !tables_and_prose {
                return false;
            }
            text::overrules(text, detected, named)
        }
    }
}

fn pages(text: &text::Text, found: Finding, named: &str) -> bool {
    match named {
        "application/xhtml+xml" => text.body.contains("http://www.w3.org/1999/xhtml"),
        "text/x-php" | "text/x-jsp" | "text/asp" | "text/x-vue" | "text/x-svelte"
        | "text/x-coldfusion" | "application/hta" | "text/x-twig" => true,
        "text/markdown" => found.confidence < Confidence::Certain,
        _ => false,
    }
}

fn scripts(detected: &str, named: &str) -> bool {
    detected == "text/javascript" && matches!(named, "application/typescript" | "text/jsx")
        || detected == "text/x-c" && matches!(named, "text/x-c++" | "text/x-objective-c")
}

fn binary_by_name(found: Finding, named: &str) -> bool {
    let detected = found.media_type;
    match detected {
        "application/zip" => PLAIN_PACKAGES.contains(&named),
        "application/x-ole-storage" => family::is_compound(named),
        "image/tiff" => family::is_raw_tiff(named),
        "application/x-riff" => matches!(
            named,
            "application/vnd.corel-draw" | "application/x-director"
        ),
        "application/postscript" => named == "application/x-font-type1",
        _ => {
            family::are_siblings(detected, named) && may_choose(detected, named)
                || found.confidence == Confidence::Guess
                    && UNMARKED.contains(&named)
                    && !active::is_active(detected)
        }
    }
}

/// Which siblings are told apart by nothing but convention.
fn may_choose(detected: &str, named: &str) -> bool {
    match detected {
        "image/png"
        | "image/apng"
        | "font/ttf"
        | "font/otf"
        | "font/collection"
        | "application/x-cpio"
        | "image/x-portable-bitmap"
        | "image/x-portable-graymap"
        | "image/x-portable-pixmap"
        | "video/mpeg"
        | "video/mp2t"
        | "audio/mpeg"
        | "audio/ogg"
        | "video/ogg"
        | "application/x-matlab-data"
        | "application/x-netcdf"
        | "application/geopackage+sqlite3"
        | "application/x-iso9660-image" => false,
        "video/webm" => named == "audio/webm",
        _ => named != "video/webm",
    }
}
