//! Compound files: their streams decide, then the class of their root.

use crate::fixtures::{compound, named, nameless, type_of};

#[test]
fn streams_tell_the_program() {
    let cases: [(&[&str], &str); 12] = [
        (&["WordDocument", "1Table"], "application/msword"),
        (&["Workbook"], "application/vnd.ms-excel"),
        (&["Book"], "application/vnd.ms-excel"),
        (
            &["PowerPoint Document", "Current User"],
            "application/vnd.ms-powerpoint",
        ),
        (&["VisioDocument"], "application/vnd.visio"),
        (&["Quill", "Contents"], "application/vnd.ms-publisher"),
        (
            &["__properties_version1.0", "__nameid_version1.0"],
            "application/vnd.ms-outlook",
        ),
        (&["   114", "Props12"], "application/vnd.ms-project"),
        (&["FileHeader", "DocInfo", "BodyText"], "application/x-hwp"),
        (
            &["StarWriterDocument"],
            "application/vnd.stardivision.writer",
        ),
        (&["MatOST", "CONTENTS"], "application/vnd.ms-works"),
        (&["Something"], "application/x-ole-storage"),
    ];
    for (streams, expected) in cases {
        assert_eq!(
            type_of(&compound(streams, [0; 16])),
            expected,
            "{streams:?}"
        );
    }
}

#[test]
fn an_encrypted_package_is_neither_document_nor_package() {
    let found = nameless(&compound(&["EncryptionInfo", "EncryptedPackage"], [0; 16]));
    assert_eq!(found.media_type, "application/x-tika-ooxml-protected");
    assert!(found.encrypted);
    assert!(
        !named(
            &compound(&["EncryptionInfo", "EncryptedPackage"], [0; 16]),
            "a.docx"
        )
        .mismatch
    );
}

#[test]
fn an_installer_is_known_by_its_class() {
    let class = [
        0x84, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46,
    ];
    let found = nameless(&compound(&["Whatever"], class));
    assert_eq!(found.media_type, "application/x-msi");
    assert!(found.active_content);
}

#[test]
fn macros_make_a_document_active() {
    assert!(nameless(&compound(&["WordDocument", "Macros"], [0; 16])).active_content);
    assert!(!nameless(&compound(&["WordDocument"], [0; 16])).active_content);
}

#[test]
fn an_embedded_workbook_does_not_make_a_message_a_workbook() {
    assert_eq!(
        type_of(&compound(&["Workbook", "__properties_version1.0"], [0; 16])),
        "application/vnd.ms-outlook"
    );
}

#[test]
fn a_directory_that_loops_or_is_missing_ends_the_walk() {
    let mut looping = compound(&["A", "B", "C", "D", "E"], [0; 16]);
    looping[512 + 8..512 + 12].copy_from_slice(&1_u32.to_le_bytes());
    assert_eq!(type_of(&looping), "application/x-ole-storage");
    assert_eq!(
        named(&looping[..512], "a.doc").media_type,
        "application/msword"
    );
}
