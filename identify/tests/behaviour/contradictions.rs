//! When a declared type contradicts a detected one.

use crate::fixtures::named;

fn contradicts(declared: &str, detected: &str) -> bool {
    identify::contradicts(declared, detected, None)
}

/// Whether the name, or what is declared for a file of that name, contradicts the bytes.
fn is_refused(bytes: &[u8], name: &str, declared: &str) -> bool {
    let found = named(bytes, name);
    found.mismatch || identify::contradicts(declared, found.media_type, Some(name))
}

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
        ("application/x-csv", "text/csv"),
        ("text/x-comma-separated-values", "text/csv"),
        ("application/excel", "text/csv"),
        ("application/vnd.msexcel", "text/csv"),
        (
            "application/vnd.ms-excel",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (
            "application/msword",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
        ("text/x-python-script", "text/x-python"),
        ("text/x-perl-script", "text/x-perl"),
        ("text/x-ruby-script", "text/x-ruby"),
        ("text/php", "text/x-php"),
        ("application/x-font-woff", "font/woff"),
        ("application/font-woff2", "font/woff2"),
        ("font/opentype", "font/otf"),
        ("font/opentype", "font/ttf"),
        ("application/x-font-truetype", "font/ttf"),
        ("multipart/x-zip", "application/zip"),
        ("application/x-compressed", "application/vnd.rar"),
        ("application/x-compressed", "application/x-7z-compressed"),
        ("text/javascript", "application/json"),
        ("audio/3gpp", "video/3gpp"),
        ("message/rfc822", "multipart/related"),
        ("application/x-log", "text/plain"),
        ("application/docx", "application/zip"),
        ("text/anytext", "text/csv"),
        ("image/x-citrix-jpeg", "image/jpeg"),
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
        ("application/x-font-woff", "application/pdf"),
        (
            "application/vnd.ms-excel",
            "application/vnd.ms-excel.sheet.macroenabled.12",
        ),
        (
            "application/msword",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        ("text/javascript", "text/html"),
        ("application/x-log", "text/html"),
        ("application/x-log", "image/svg+xml"),
        ("application/x-log", "application/x-elf"),
        ("image/x-citrix-jpeg", "application/pdf"),
        ("text/anytext", "application/pdf"),
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
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/msword"
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

const TYPESCRIPT: &[u8] =
    b"import { A } from './a';\nexport interface B { a: number; b?: string }\n";
const PEM: &[u8] =
    b"-----BEGIN PRIVATE KEY-----\nMIIBIjANBgkqhkiG9w0BAQ==\n-----END PRIVATE KEY-----\n";
const MATLAB: &[u8] = b"function y = f(x)\n% comment\ny = x + 1;\nend\n";
const GETTEXT: &[u8] =
    b"msgid \"\"\nmsgstr \"\"\n\"Content-Type: text/plain\\n\"\n\nmsgid \"a\"\nmsgstr \"b\"\n";
const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";
const PAGE: &[u8] = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>";

#[test]
fn an_extension_of_several_types_claims_any_of_them() {
    let ssh = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== me@host\n";
    let go = b"module example.com/m\n\ngo 1.22\n\nrequire example.com/n v1.0.0\n";
    for (bytes, name, declared) in [
        (
            TYPESCRIPT,
            "a.mts",
            "video/mp2t model/vnd.mts application/typescript",
        ),
        (TYPESCRIPT, "a.ts", "video/mp2t text/vnd.qt.linguist"),
        (
            PEM,
            "server.key",
            "application/vnd.apple.keynote text/plain",
        ),
        (MATLAB, "f.m", "text/x-objcsrc text/x-matlab text/plain"),
        (&go[..], "go.mod", "audio/x-mod text/plain"),
        (
            &ssh[..],
            "id.pub",
            "application/vnd.ms-publisher text/plain",
        ),
        (
            GETTEXT,
            "a.pot",
            "application/vnd.ms-powerpoint text/x-gettext-translation",
        ),
        (
            b"{\\rtf1\\ansi\\deff0 Hello\\par}",
            "a.doc",
            "application/msword",
        ),
    ] {
        for declared in declared.split(' ').chain(["application/octet-stream"]) {
            assert!(!is_refused(bytes, name, declared), "{name} {declared}");
        }
    }
    let unknown = [0xc1, 0xfe, 0x9d, 0x07, 0x80, 0x81, 0x02, 0xff];
    for name in ["a.key", "a.pub", "a.pot", "a.m", "a.mod"] {
        for bytes in [PDF, PNG, PAGE] {
            assert!(
                is_refused(bytes, name, "application/octet-stream"),
                "{name}"
            );
        }
    }
    for name in ["a.key", "a.pub", "a.pot"] {
        assert!(
            is_refused(&unknown, name, "application/octet-stream"),
            "{name}"
        );
    }
    assert!(is_refused(PEM, "server.key", "image/png"));
    assert!(is_refused(
        PEM,
        "server.pem",
        "application/vnd.apple.keynote"
    ));
}

#[test]
fn a_compressed_file_may_be_declared_as_what_was_compressed() {
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
    let xz = b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F\0\0\0\0\x1c\xdfD!\x1f\xb6\xf3}\x01\0\0\0\0\x04YZ";
    for (bytes, name, declared) in [
        (
            &gzip[..],
            "data.csv.gz",
            "text/csv application/vnd.ms-excel",
        ),
        (gzip, "a.json.gz", "application/json"),
        (gzip, "log.txt.gz", "text/plain"),
        (gzip, "a.tgz", "application/x-tar application/x-gtar"),
        (gzip, "a.tar.gz", "application/x-tar"),
        (&xz[..], "a.tar.xz", "application/x-tar"),
    ] {
        for declared in declared.split(' ') {
            assert!(!is_refused(bytes, name, declared), "{name} {declared}");
        }
    }
    for (bytes, name, declared) in [
        (&gzip[..], "data.csv.gz", "application/pdf"),
        (gzip, "data.csv", "text/csv"),
        (gzip, "data.gz", "text/csv"),
        (gzip, "data.csv.xz", "text/csv"),
        (PDF, "data.csv.gz", "text/csv"),
        (PAGE, "a.tgz", "application/x-tar"),
    ] {
        assert!(is_refused(bytes, name, declared), "{name} {declared}");
    }
}
