//! When a declared type contradicts a detected one.

use identify::contradicts;

#[test]
fn names_of_one_type_agree() {
    for (declared, detected) in [
        ("text/xml; charset=utf-8", "application/xml"),
        ("application/x-javascript", "text/javascript"),
        ("IMAGE/JPG", "image/jpeg"),
        ("audio/x-wav", "audio/vnd.wave"),
        ("application/x-zip-compressed", "application/zip"),
    ] {
        assert!(
            !contradicts(declared, detected),
            "{declared} and {detected}"
        );
    }
}

#[test]
fn octet_stream_says_nothing() {
    assert!(!contradicts("application/octet-stream", "text/html"));
    assert!(!contradicts("", "text/html"));
    assert!(!contradicts("font/otf", "application/octet-stream"));
    assert!(!contradicts("text/plain", "application/octet-stream"));
}

#[test]
fn what_clients_declare_without_knowing_says_nothing() {
    for (declared, detected) in [
        ("application/x-www-form-urlencoded", "application/pdf"),
        ("application/x-www-form-urlencoded", "image/png"),
        ("application/vnd.ms-excel", "text/csv"),
        ("application/vnd.ms-excel", "text/plain"),
        ("application/vnd.ms-excel", "text/tab-separated-values"),
        ("text/csv", "text/tab-separated-values"),
        ("video/mp2t", "application/typescript"),
        ("video/vnd.dlna.mpeg-tts", "text/plain"),
        ("video/mp2t", "text/javascript"),
        ("application/rls-services+xml", "text/rust"),
        ("application/msword", "application/rtf"),
        ("application/postscript", "application/pdf"),
        ("application/x-msdownload", "text/x-msdos-batch"),
        ("application/x-compressed", "application/gzip"),
        ("application/x-gzip", "application/gzip"),
        ("audio/mp3", "audio/mpeg"),
        ("application/x-download", "application/pdf"),
        ("binary/octet-stream", "application/pdf"),
        ("image/*", "image/heic"),
        ("text/plain", "application/typescript"),
    ] {
        assert!(
            !contradicts(declared, detected),
            "{declared} and {detected}"
        );
    }
}

#[test]
fn a_loose_claim_contradicts_what_it_is_never_made_of() {
    for (declared, detected) in [
        ("application/vnd.ms-excel", "application/pdf"),
        ("application/vnd.ms-excel", "text/html"),
        (
            "application/vnd.ms-excel",
            "application/vnd.microsoft.portable-executable",
        ),
        ("video/mp2t", "application/pdf"),
        ("video/mp2t", "text/html"),
        ("image/*", "image/svg+xml"),
        ("image/*", "application/pdf"),
        ("application/x-compressed", "application/pdf"),
        (
            "application/pdf",
            "application/vnd.microsoft.portable-executable",
        ),
    ] {
        assert!(contradicts(declared, detected), "{declared} and {detected}");
    }
}

#[test]
fn a_general_type_agrees_with_its_kinds() {
    for (declared, detected) in [
        ("text/plain", "text/markdown"),
        ("text/plain", "text/x-python"),
        ("text/plain", "application/json"),
        ("text/x-rust", "text/plain"),
        ("application/xml", "image/svg+xml"),
        ("application/json", "application/geo+json"),
        ("application/zip", "application/epub+zip"),
        (
            "application/zip",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
    ] {
        assert!(
            !contradicts(declared, detected),
            "{declared} and {detected}"
        );
    }
}

#[test]
fn a_claim_that_hides_what_runs_contradicts() {
    for (declared, detected) in [
        ("text/plain", "text/html"),
        ("image/png", "image/svg+xml"),
        ("application/zip", "application/java-archive"),
        (
            "application/zip",
            "application/vnd.ms-excel.sheet.macroenabled.12",
        ),
        (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.ms-excel.sheet.macroenabled.12",
        ),
        (
            "application/pdf",
            "application/vnd.microsoft.portable-executable",
        ),
    ] {
        assert!(contradicts(declared, detected), "{declared} and {detected}");
    }
}

#[test]
fn different_types_contradict() {
    assert!(contradicts("image/png", "image/jpeg"));
    assert!(contradicts("application/pdf", "text/plain"));
    assert!(contradicts(
        "application/msword",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    ));
}

#[test]
fn bytes_of_which_nothing_is_known_are_not_what_is_always_recognised() {
    for declared in [
        "image/png",
        "application/pdf",
        "application/msword",
        "video/mp4",
        "application/zip",
    ] {
        assert!(
            contradicts(declared, "application/octet-stream"),
            "{declared}"
        );
    }
}
