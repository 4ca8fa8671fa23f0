//! When a declared type or a name contradicts what was detected.

use super::{active, family, vague};
use crate::names::aliases;

/// Whether a type that a client declared contradicts what was detected.
///
/// What clients declare without knowing says nothing; names of one type agree; a type agrees
/// with the general type it is a kind of (text, XML, JSON, ZIP, OLE2), unless the general name
/// would hide that the document can run.
#[must_use]
pub fn contradicts(declared: &str, detected: &str) -> bool {
    let canonical = aliases::canonical(declared);
    let is_vague = vague::says_nothing(&canonical, &aliases::canonical(detected));
    differs(declared, detected) && !is_vague
}

/// The same of a type that a name claims: nobody's registry comes between.
pub(crate) fn differs(claimed: &str, detected: &str) -> bool {
    let (claimed, detected) = (aliases::canonical(claimed), aliases::canonical(detected));
    if vague::is_nothing(&detected) {
        return is_unmistakable(&claimed);
    }
    if vague::is_nothing(&claimed) || claimed == detected || detected == "application/x-empty" {
        return false;
    }
    !(one_is_general(&claimed, &detected) || are_alike(&claimed, &detected))
}

/// Types whose every file begins, or is built, in a way that is always recognised: bytes of
/// which nothing is known are not of these.
fn is_unmistakable(declared: &str) -> bool {
    const UNMISTAKABLE: &[&str] = &[
        "application/gzip",
        "application/pdf",
        "application/vnd.rar",
        "application/x-7z-compressed",
        "application/x-xz",
        "application/zstd",
        "audio/flac",
        "audio/ogg",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/webp",
        "video/mp4",
        "video/quicktime",
        "video/webm",
        "video/x-matroska",
    ];
    UNMISTAKABLE.contains(&declared)
        || family::is_package(declared)
        || family::is_compound(declared)
}

/// The declared type is the family the detected one belongs to.
fn one_is_general(declared: &str, detected: &str) -> bool {
    let hides = active::is_active(detected) && !active::is_active(declared);
    match declared {
        "text/plain" => family::is_textual(detected) && !active::is_browser_active(detected),
        "application/xml" => family::is_xml(detected),
        "application/json" => family::is_json(detected),
        "application/zip" => family::is_package(detected) && !hides,
        "application/x-ole-storage" => family::is_compound(detected) && !hides,
        "application/gzip" => matches!(
            detected,
            "application/x-gnumeric" | "application/x-abiword" | "application/x-dia-diagram"
        ),
        "image/tiff" => family::is_raw_tiff(detected),
        _ => false,
    }
}

fn are_alike(declared: &str, detected: &str) -> bool {
    // Text whose grammar could not be proved is still what its name says.
    let unproved = detected == "text/plain"
        && family::is_textual(declared)
        && !active::is_browser_active(declared);
    let pages = |media_type: &str| matches!(media_type, "text/html" | "application/xhtml+xml");
    let xml = detected == "application/xml" && family::is_xml(declared);
    let json = detected == "application/json" && family::is_json(declared);
    let code =
        |media_type: &str| matches!(media_type, "text/x-c" | "text/x-c++" | "text/x-objective-c");
    let scripts = |media_type: &str| {
        matches!(
            media_type,
            "text/javascript" | "application/typescript" | "text/jsx"
        )
    };
    // The extension .ts belongs to both.
    let shared_extension = declared == "application/typescript" && detected == "video/mp2t";
    let locked = detected == "application/x-tika-ooxml-protected"
        && (declared.starts_with("application/vnd.openxmlformats-")
            || family::is_compound(declared)
            || declared.contains("macroenabled"));
    unproved
        || pages(declared) && pages(detected)
        || xml
        || json
        || code(declared) && code(detected)
        || scripts(declared) && scripts(detected)
        || locked
        || shared_extension
        || family::are_siblings(declared, detected)
}
