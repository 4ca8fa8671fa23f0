//! Claims that clients make without having looked: tables of extensions and defaults that are
//! wrong in a known way. Such a claim says nothing, so it contradicts nothing. Asked only of
//! what a client declared, never of what a name says.

use super::{active, family};

/// Declared types that say nothing, whatever the bytes are, with who declares them.
const ALWAYS: &[(&str, &str)] = &[
    ("application/octet-stream", "RFC 2046: bytes of any kind"),
    ("binary/octet-stream", "the default of S3"),
    (
        "application/x-octet-stream",
        "old clients, for octet-stream",
    ),
    ("application/octetstream", "old clients, for octet-stream"),
    ("application/binary", "old clients, for octet-stream"),
    ("application/unknown", "old Windows clients"),
    ("application/x-unknown", "old clients"),
    ("unknown/unknown", "old clients"),
    ("application/download", "servers that want it saved"),
    ("application/x-download", "servers that want it saved"),
    ("application/force-download", "servers that want it saved"),
    ("application/x-force-download", "servers that want it saved"),
    ("*/*", "Android, for a file of no known type"),
    (
        "application/x-www-form-urlencoded",
        "curl --data-binary, and wget --post-file, for any body",
    ),
];

/// A declared type that a registry of extensions gives to other content too.
struct Loose {
    declared: &'static str,
    /// Of what else it is declared.
    also: fn(&str) -> bool,
    #[expect(dead_code, reason = "for those who read the table")]
    why: &'static str,
}

const LOOSE: &[Loose] = &[
    Loose {
        declared: "application/vnd.ms-excel",
        also: |detected| is_table(detected) || is_office(detected, "spreadsheetml"),
        why: "Windows with Excel: .csv; old clients: .xlsx",
    },
    Loose {
        declared: "text/csv",
        also: is_table,
        why: "spreadsheets: tables with tabs between their columns",
    },
    Loose {
        declared: "application/msword",
        also: |detected| detected == "application/rtf" || is_office(detected, "wordprocessingml"),
        why: "Windows with Word: .rtf; old clients: .docx",
    },
    Loose {
        declared: "video/mp2t",
        also: is_plain_source,
        why: "browsers and mime-db: .ts, which is TypeScript too",
    },
    Loose {
        declared: "text/vnd.qt.linguist",
        also: is_plain_source,
        why: "shared-mime-info: .ts",
    },
    Loose {
        declared: "text/vnd.trolltech.linguist",
        also: is_plain_source,
        why: "shared-mime-info: .ts",
    },
    Loose {
        declared: "application/rls-services+xml",
        also: is_plain_source,
        why: "mime-db: .rs",
    },
    Loose {
        declared: "application/vnd.lotus-organizer",
        also: is_plain_source,
        why: "mime-db: .org",
    },
    Loose {
        declared: "application/vnd.lotus-screencam",
        also: is_plain_source,
        why: "mime-db: .scm",
    },
    Loose {
        declared: "application/x-tgif",
        also: |detected| detected == "model/obj" || detected == "text/plain",
        why: "mime-db: .obj",
    },
    Loose {
        declared: "application/vnd.ms-powerpoint",
        also: |detected| is_office(detected, "presentationml"),
        why: "old clients: .pptx",
    },
    Loose {
        declared: "application/vnd.microsoft.portable-executable",
        also: |detected| matches!(detected, "text/x-msdos-batch" | "application/x-msi"),
        why: "mime-db: .bat and .msi, as application/x-msdownload",
    },
    Loose {
        declared: "application/postscript",
        also: |detected| detected == "application/pdf",
        why: "every registry: .ai, which has been PDF for long",
    },
    Loose {
        declared: "application/x-compressed",
        also: is_compressed,
        why: "Windows: .tgz, .gz; archivers: .rar, .7z",
    },
    Loose {
        declared: "text/tab-separated-values",
        also: is_table,
        why: "spreadsheets: tables with commas between their columns",
    },
    Loose {
        declared: "text/javascript",
        also: family::is_json,
        why: "old servers and clients: JSON, which is no script by itself",
    },
    Loose {
        declared: "text/plain",
        also: |detected| detected == "application/pgp-encrypted",
        why: "browsers: .asc, which is PGP as text",
    },
    Loose {
        declared: "text/html",
        also: |detected| matches!(detected, "text/x-vue" | "text/x-svelte"),
        why: "editors: components, which are written as HTML",
    },
    Loose {
        declared: "message/rfc822",
        also: |detected| detected == "multipart/related",
        why: "Windows: .mht",
    },
];

/// Whether a declared type, by its canonical name, says nothing of content that was detected
/// as `detected`.
pub(super) fn says_nothing(declared: &str, detected: &str) -> bool {
    is_nothing(declared)
        || is_kind_of(declared, detected)
        || LOOSE
            .iter()
            .any(|loose| loose.declared == declared && (loose.also)(detected))
}

/// Whether a type says nothing of any content.
pub(super) fn is_nothing(media_type: &str) -> bool {
    media_type.is_empty() || ALWAYS.iter().any(|(name, _)| *name == media_type)
}

/// Whether it is told here of what a type is declared.
pub(super) fn is_known(declared: &str) -> bool {
    LOOSE.iter().any(|loose| loose.declared == declared)
}

/// `image/*`, as pickers of Android declare it, is any picture.
fn is_kind_of(declared: &str, detected: &str) -> bool {
    declared
        .strip_suffix('*')
        .filter(|kind| kind.ends_with('/'))
        .is_some_and(|kind| detected.starts_with(kind) && !active::is_browser_active(detected))
}

fn is_table(detected: &str) -> bool {
    matches!(
        detected,
        "text/csv" | "text/tab-separated-values" | "text/plain"
    )
}

/// Text that no browser runs; source code is.
fn is_plain_source(detected: &str) -> bool {
    family::is_textual(detected) && !active::is_browser_active(detected)
}

/// Documents of Office in XML, without macros.
fn is_office(detected: &str, kind: &str) -> bool {
    let rest = detected.strip_prefix("application/vnd.openxmlformats-officedocument.");
    rest.is_some_and(|rest| rest.starts_with(kind))
}

fn is_compressed(detected: &str) -> bool {
    family::is_compression(detected)
        || matches!(
            detected,
            "application/zip"
                | "application/x-tar"
                | "application/vnd.rar"
                | "application/x-7z-compressed"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::aliases::canonical;

    #[test]
    fn the_tables_name_types_as_they_are_compared() {
        let always = ALWAYS.iter().map(|(name, _)| *name);
        for name in always.chain(LOOSE.iter().map(|loose| loose.declared)) {
            assert_eq!(canonical(name), name);
        }
    }
}
