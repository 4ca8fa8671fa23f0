//! Which types are kinds of another: text, XML, JSON, ZIP, and the containers
//! whose members a name may tell apart.

/// Types that are text although their names begin otherwise.
const TEXTUAL: &[&str] = &[
    "application/json",
    "application/x-ndjson",
    "application/json-seq",
    "application/xml",
    "application/yaml",
    "application/toml",
    "application/sql",
    "application/typescript",
    "application/x-powershell",
    "application/x-subrip",
    "application/x-desktop",
    "application/x-mswinurl",
    "application/x-gnuplot",
    "application/graphql",
    "application/hta",
    "application/envi.hdr",
    "application/x-sylk",
    "application/x-dif",
    "application/x-qif",
    "application/x-ofx",
    "application/x-cue",
    "application/x-research-info-systems",
    "application/x-endnote-refer",
    "application/x-pem-file",
    "application/x-x509-cert",
    "application/x-java-jnlp-file",
    "application/x-fictionbook+xml",
    "application/x-plist",
    "application/x-font-afm",
    "application/x-font-bdf",
    "application/x-par2",
    "application/mbox",
    "application/x-intel-hex",
    "application/x-motorola-srec",
    "application/vnd.jgraph.mxfile",
    "application/vnd.ms-wordml",
    "application/vnd.ms-spreadsheetml",
    "application/vnd.ms-word2006ml",
    "audio/x-mpegurl",
    "audio/x-scpls",
    "image/vnd.dxf",
    "image/x-xbitmap",
    "image/x-xpixmap",
    "message/rfc822",
    "message/news",
    "message/x-emlx",
    "multipart/related",
    "model/obj",
    "model/mtl",
    "model/step",
    "model/iges",
    "model/vrml",
    "model/stl",
    "model/vnd.usda",
    "chemical/x-xyz",
    "chemical/x-pdb",
    "chemical/x-cif",
    "chemical/x-mdl-molfile",
    "chemical/x-mdl-sdfile",
    "chemical/seq-aa-fasta",
    "application/vnd.google-earth.kml+xml",
];

/// XML vocabularies whose names don't end in `+xml`.
const XML: &[&str] = &[
    "application/xml",
    "application/x-plist",
    "application/x-java-jnlp-file",
    "application/vnd.jgraph.mxfile",
    "application/vnd.ms-wordml",
    "application/vnd.ms-spreadsheetml",
    "application/vnd.ms-word2006ml",
    "application/vnd.oasis.opendocument.text-flat-xml",
    "application/vnd.oasis.opendocument.spreadsheet-flat-xml",
    "application/vnd.oasis.opendocument.presentation-flat-xml",
    "application/vnd.oasis.opendocument.graphics-flat-xml",
    "application/vnd.adobe.xfdf",
    "application/x-tmx",
    "application/x-abiword",
    "application/x-gnumeric",
    "text/vnd.wap.wml",
    "text/vnd.qt.linguist",
    "audio/x-ms-asx",
    "chemical/x-cml",
    "application/x-amf",
    "application/vnd.visio",
    "application/vnd.ms-project",
    "text/x-svelte",
    "text/x-vue",
];

/// Whether documents of this type are read as text.
pub(crate) fn is_textual(media_type: &str) -> bool {
    media_type.starts_with("text/")
        || media_type.ends_with("+xml")
        || media_type.ends_with("+json")
        || TEXTUAL.contains(&media_type)
        || XML.contains(&media_type)
}

/// Whether documents of this type are XML.
pub(crate) fn is_xml(media_type: &str) -> bool {
    media_type.ends_with("+xml") && media_type != "application/oebps-package"
        || XML.contains(&media_type)
}

/// Whether documents of this type are JSON.
pub(crate) fn is_json(media_type: &str) -> bool {
    media_type.ends_with("+json")
        || matches!(
            media_type,
            "application/json" | "application/x-ndjson" | "application/json-seq"
        )
}

/// Whether documents of this type are ZIP packages.
pub(crate) fn is_package(media_type: &str) -> bool {
    let office = media_type.starts_with("application/vnd.openxmlformats-")
        || media_type.contains("macroenabled")
        || media_type.starts_with("application/vnd.oasis.opendocument.")
            && !media_type.ends_with("-flat-xml")
        || media_type.starts_with("application/vnd.sun.xml.")
        || media_type.starts_with("application/vnd.ms-visio.")
        || media_type.starts_with("application/vnd.apple.");
    office
        || media_type.contains("+zip")
        || matches!(
            media_type,
            "application/zip"
                | "application/java-archive"
                | "application/vnd.android.package-archive"
                | "application/x-xpinstall"
                | "application/x-ios-app"
                | "application/vnd.google-earth.kmz"
                | "application/vnd.ms-xpsdocument"
                | "application/vnd.ms-officetheme"
                | "application/vnd.adobe.indesign-idml-package"
                | "application/vnd.recordare.musicxml"
                | "application/vnd.hancom.hwpx"
                | "application/x.scratch.sb3"
                | "application/x-sketch"
                | "application/x-krita"
                | "image/openraster"
                | "model/3mf"
                | "model/vnd.dwfx+xps"
        )
}

/// Whether documents of this type are OLE2 compound files.
pub(crate) fn is_compound(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/x-ole-storage"
            | "application/msword"
            | "application/vnd.ms-excel"
            | "application/vnd.ms-powerpoint"
            | "application/vnd.ms-outlook"
            | "application/vnd.visio"
            | "application/vnd.ms-publisher"
            | "application/vnd.ms-project"
            | "application/vnd.ms-works"
            | "application/x-msi"
            | "application/x-hwp"
            | "application/x-quattro-pro"
            | "application/sldworks"
            | "application/vnd.autodesk.inventor"
            | "image/vnd.fpx"
            | "application/x-tika-ooxml-protected"
    ) || media_type.starts_with("application/vnd.stardivision.")
}

/// Containers whose members differ in what they hold, not in their marks.
const SIBLINGS: &[&[&str]] = &[
    &[
        "video/mp4",
        "audio/mp4",
        "video/x-m4v",
        "video/3gpp",
        "video/3gpp2",
        "audio/3gpp",
        "audio/3gpp2",
    ],
    &["image/heif", "image/heic"],
    &[
        "video/x-matroska",
        "audio/x-matroska",
        "video/x-matroska-3d",
        "video/webm",
        "audio/webm",
    ],
    &["application/ogg", "audio/ogg", "video/ogg"],
    &["audio/x-ms-wma", "video/x-ms-asf"],
    &[
        "application/vnd.apple.pages",
        "application/vnd.apple.numbers",
        "application/vnd.apple.keynote",
    ],
    &[
        "application/x-iso9660-image",
        "application/x-raw-disk-image",
        "application/x-apple-diskimage",
        "application/x-cd-image",
    ],
    &[
        "application/pkcs7-mime",
        "application/pkcs7-signature",
        "application/x-pkcs7-certificates",
    ],
    &[
        "application/x-x509-cert",
        "application/x-pem-file",
        "application/pkcs8",
        "application/pkcs10",
    ],
    &["font/ttf", "font/otf", "font/collection"],
    &[
        "application/pgp-encrypted",
        "application/pgp-keys",
        "application/pgp-signature",
    ],
    &[
        "image/x-portable-bitmap",
        "image/x-portable-graymap",
        "image/x-portable-pixmap",
        "image/x-portable-anymap",
    ],
    &["image/png", "image/apng"],
    &[
        "application/x-hdf",
        "application/x-netcdf",
        "application/x-matlab-data",
    ],
    &["application/vnd.sqlite3", "application/geopackage+sqlite3"],
    &["video/mpeg", "video/mp2t", "audio/mpeg"],
    &["application/x-cpio", "application/x-tar"],
];

/// Whether a container of the one type may also be called the other.
pub(crate) fn are_siblings(one: &str, other: &str) -> bool {
    SIBLINGS
        .iter()
        .any(|family| family.contains(&one) && family.contains(&other))
}

/// Whether documents of this type are one file, compressed.
pub(crate) fn is_compression(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/gzip"
            | "application/x-bzip2"
            | "application/x-xz"
            | "application/zstd"
            | "application/x-compress"
            | "application/x-lzma"
            | "application/x-lzip"
            | "application/x-lz4"
            | "application/x-brotli"
    )
}

/// Raw camera formats that share TIFF's mark.
pub(crate) fn is_raw_tiff(media_type: &str) -> bool {
    matches!(
        media_type,
        "image/x-adobe-dng"
            | "image/x-nikon-nef"
            | "image/x-sony-arw"
            | "image/x-sony-sr2"
            | "image/x-sony-srf"
            | "image/x-pentax-pef"
            | "image/x-samsung-srw"
            | "image/x-kodak-dcr"
            | "image/x-kodak-kdc"
            | "image/x-hasselblad-3fr"
            | "image/x-epson-erf"
            | "image/x-raw-rwl"
            | "image/x-canon-cr2"
    )
}
