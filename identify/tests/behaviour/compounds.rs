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

#[test]
fn names_are_compared_without_regard_to_case() {
    let cases: [(&[&str], &str); 6] = [
        (&["WORDDOCUMENT"], "application/msword"),
        (&["WorkBook"], "application/vnd.ms-excel"),
        (&["BOOK"], "application/vnd.ms-excel"),
        (&["powerpoint document"], "application/vnd.ms-powerpoint"),
        (&["   114", "PROPS12"], "application/vnd.ms-project"),
        (&["fileheader", "docinfo"], "application/x-hwp"),
    ];
    for (streams, expected) in cases {
        let found = type_of(&compound(streams, [0; 16]));
        assert_eq!(found, expected, "{streams:?}");
    }
    for storage in ["MACROS", "macros", "_vba_project_cur", "vba"] {
        let document = compound(&["WordDocument", storage], [0; 16]);
        assert!(nameless(&document).active_content, "{storage}");
    }
    let locked = compound(&["encryptioninfo", "ENCRYPTEDPACKAGE"], [0; 16]);
    assert!(nameless(&locked).encrypted);
}

#[test]
fn macros_are_seen_behind_hundreds_of_streams() {
    let names: Vec<String> = (0..400).map(|number| format!("Stream{number}")).collect();
    let mut streams: Vec<&str> = names.iter().map(String::as_str).collect();
    streams.insert(0, "WordDocument");
    streams.push("Macros");
    let found = nameless(&compound(&streams, [0; 16]));
    assert_eq!(found.media_type, "application/msword");
    assert!(found.active_content);
}

#[test]
fn a_directory_that_only_a_further_table_tells_of_is_followed() {
    // A sector of the table names the next 128 sectors, the header 109 such, and one sector
    // those that come behind them, of which the last tells of the directory.
    let small = compound(&["WordDocument", "A", "B", "C", "D", "Macros"], [0; 16]);
    let directory = &small[1024..];
    let table_sector = 109 * 128;
    let mut large = small[..512].to_vec();
    large.resize(512 * (table_sector + 1), 0);
    let first = u32::try_from(table_sector).expect("it is small");
    large[48..52].copy_from_slice(&(first + 2).to_le_bytes());
    large[68..72].copy_from_slice(&first.to_le_bytes());
    large[72..76].copy_from_slice(&1_u32.to_le_bytes());
    let mut names = [0xff; 512];
    names[..4].copy_from_slice(&(first + 1).to_le_bytes());
    large.extend(names);
    let mut table = vec![0xff_u8; 512];
    table[8..12].copy_from_slice(&(first + 3).to_le_bytes());
    table[12..16].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
    large.extend(table);
    large.extend(directory);
    let found = nameless(&large);
    assert_eq!(found.media_type, "application/msword");
    assert!(found.active_content);
}
