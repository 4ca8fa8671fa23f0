//! How the bytes of an entry are packed, and which media types aren't worth packing.

/// How the bytes of an entry are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As they are.
    Stored,
    /// By DEFLATE (RFC 1951).
    Deflated,
}

/// Kinds of media of which nearly all types are compressed, and those that aren't.
const KINDS: [(&str, &[&str]); 3] = [
    (
        "image/",
        &[
            "image/svg+xml",
            "image/bmp",
            "image/tiff",
            "image/vnd.adobe.photoshop",
            "image/x-portable-anymap",
            "image/x-portable-bitmap",
            "image/x-portable-graymap",
            "image/x-portable-pixmap",
        ],
    ),
    (
        "audio/",
        &["audio/x-wav", "audio/wav", "audio/x-aiff", "audio/midi"],
    ),
    ("video/", &[]),
];

/// What the names of compressed application types begin with.
const COMPRESSED: [&str; 20] = [
    "application/zip",
    "application/gzip",
    "application/x-7z-compressed",
    "application/x-bzip",
    "application/x-xz",
    "application/x-lzma",
    "application/x-rar",
    "application/vnd.rar",
    "application/zstd",
    "application/x-brotli",
    "application/vnd.ms-cab-compressed",
    "application/epub+zip",
    "application/java-archive",
    "application/vnd.android.package-archive",
    "application/vnd.openxmlformats-",
    "application/vnd.oasis.opendocument.",
    "application/vnd.apple.",
    "application/vnd.ms-excel.sheet.",
    "application/vnd.ms-word.document.",
    "font/woff",
];

impl Method {
    /// The method for bytes of this media type: those that are compressed already are stored.
    #[must_use]
    pub fn for_media_type(media_type: &str) -> Self {
        let of_kind = KINDS
            .iter()
            .any(|(kind, except)| media_type.starts_with(kind) && !except.contains(&media_type));
        let named = || COMPRESSED.iter().any(|start| media_type.starts_with(start));
        if of_kind || named() {
            Self::Stored
        } else {
            Self::Deflated
        }
    }

    /// Its number in an archive.
    pub(crate) const fn number(self) -> u16 {
        match self {
            Self::Stored => 0,
            Self::Deflated => 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_already_is_stored() {
        for stored in [
            "image/jpeg",
            "video/mp4",
            "application/zip",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ] {
            assert_eq!(Method::for_media_type(stored), Method::Stored, "{stored}");
        }
        for deflated in [
            "text/plain",
            "image/svg+xml",
            "application/json",
            "image/bmp",
        ] {
            assert_eq!(
                Method::for_media_type(deflated),
                Method::Deflated,
                "{deflated}"
            );
        }
    }
}
