//! When a declared type or a name contradicts what was detected.

use super::{active, family, vague};
use crate::names::{self, aliases};

/// Whether a type that a client declared for a file of that name contradicts what was detected.
///
/// What clients declare without knowing says nothing; names of one type agree; a type agrees
/// with the general type it is a kind of (text, XML, JSON, ZIP, OLE2), unless the general name
/// would hide that the document can run. What is declared by the extension is no more than what
/// the extension claims, and of a compressed file it is the type of what was compressed.
#[must_use]
pub fn contradicts(declared: &str, detected: &str, name: Option<&str>) -> bool {
    if agrees(declared, detected) {
        return false;
    }
    !name.is_some_and(|name| {
        is_by_extension(declared, detected, name) || is_of_compressed(declared, detected, name)
    })
}

/// Whether what a name claims contradicts what was detected: nobody's registry comes between.
pub(crate) fn name_contradicts(name: &str, detected: &str) -> bool {
    let claims = names::claims(name);
    !claims.is_empty() && !one_holds(&claims, detected)
}

fn agrees(declared: &str, detected: &str) -> bool {
    let (claimed, found) = (aliases::canonical(declared), aliases::canonical(detected));
    !differs(declared, detected)
        || vague::says_nothing(&claimed, &found)
        || is_strange(&claimed, &found)
}

/// Registries give each extension one type. Where the extension means several, the declared type
/// is one of them, and the content another.
fn is_by_extension(declared: &str, detected: &str, name: &str) -> bool {
    let claims = names::claims(name);
    let declared = aliases::canonical(declared);
    claims
        .iter()
        .any(|claim| aliases::canonical(claim) == declared)
        && one_holds(&claims, detected)
}

/// Python and others guess the type of `data.csv.gz` as `text/csv`, with an encoding that an
/// upload has no field for.
fn is_of_compressed(declared: &str, detected: &str, name: &str) -> bool {
    family::is_compression(&aliases::canonical(detected))
        && !name_contradicts(name, detected)
        && names::inner_type(name).is_some_and(|inner| agrees(declared, inner))
}

/// Whether the content is one of the types that an extension means. Of bytes of which nothing is
/// known only the first is asked: the others would excuse anything.
fn one_holds(claims: &[&str], detected: &str) -> bool {
    let is_found = !vague::is_nothing(&aliases::canonical(detected));
    let asked = if is_found { claims.len() } else { 1 };
    let mut claims = claims.iter().take(asked);
    claims.any(|claim| !differs(claim, detected))
}

/// A name that no table has, such as `application/x-log`, can't be held against content of its
/// kind. `application` is of any kind, but not a cover for what runs.
fn is_strange(declared: &str, detected: &str) -> bool {
    let is_known = names::is_known(declared) || vague::is_known(declared);
    if is_known || active::is_browser_active(detected) {
        return false;
    }
    let is_source = family::is_textual(detected);
    match declared.split_once('/') {
        Some(("application", _)) => is_source || !active::is_active(detected),
        Some(("text", _)) => is_source,
        Some((kind, _)) => detected
            .split_once('/')
            .is_some_and(|(found, _)| found == kind),
        None => false,
    }
}

/// Whether a claimed type is another than the one detected.
fn differs(claimed: &str, detected: &str) -> bool {
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
        || family::are_siblings(declared, detected)
}
