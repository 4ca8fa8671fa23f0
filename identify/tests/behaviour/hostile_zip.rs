//! ZIP packages whose directories lie: what they hold is seen all the same.

use crate::fixtures::{open_package, type_of, zip};

const WORD: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
const DOCM: &str = "application/vnd.ms-word.document.macroenabled.12";
const OFFICE: &str = "officeDocument/2006/relationships/officeDocument";

/// A document with macros.
fn document() -> Vec<u8> {
    let (types, relations) = open_package("word/document.xml", WORD, OFFICE);
    zip(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", relations.as_bytes()),
        ("word/document.xml", b"<x/>"),
        ("word/vbaProject.bin", b"x"),
    ])
}

/// Where the records of the directory begin.
fn records(archive: &[u8]) -> Vec<usize> {
    (0..archive.len())
        .filter(|at| archive[*at..].starts_with(b"PK\x01\x02"))
        .collect()
}

#[test]
fn a_count_of_entries_that_is_too_small_hides_nothing() {
    let mut archive = document();
    let end = archive.len() - 22;
    for count in [0, 1] {
        archive[end + 8] = count;
        archive[end + 10] = count;
        assert_eq!(type_of(&archive), DOCM, "{count}");
    }
}

#[test]
fn extra_fields_that_are_broken_hide_nothing() {
    // A moment without one, and fields that reach beyond their record.
    for extra in [b"UT\0\0".as_slice(), b"\x99\x99\xff\xff", b"\x01\0\x10\0\0"] {
        let mut archive = document();
        for at in records(&archive).into_iter().rev() {
            let name = usize::from(archive[at + 28]);
            archive[at + 30] = u8::try_from(extra.len()).unwrap();
            let behind = at + 46 + name;
            archive.splice(behind..behind, extra.iter().copied());
        }
        let end = archive.len() - 22;
        let first = records(&archive)[0];
        let size = u32::try_from(end - first).unwrap();
        archive[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
        assert_eq!(type_of(&archive), DOCM, "{extra:?}");
    }
}

#[test]
fn sizes_and_lengths_that_lie_hide_nothing() {
    let mut archive = document();
    for at in records(&archive) {
        // The size of the content, and in the last record the comment's length.
        archive[at + 24..at + 28].fill(0);
    }
    let last = *records(&archive).last().unwrap();
    archive[last + 32..last + 34].fill(0xff);
    assert_eq!(type_of(&archive), DOCM);
    let end = archive.len() - 22;
    // A comment of the archive that isn't there.
    archive[end + 20..].fill(0xff);
    assert_eq!(type_of(&archive), DOCM);
}

#[test]
fn thousands_of_parts_that_are_not_there_are_looked_up_once_each() {
    let missing: Vec<String> = (0..2000)
        .map(|number| {
            format!(
                "<Override PartName=\"/p/{number:058}\" ContentType=\"application/vnd.ms-excel.macrosheet+xml\"/>"
            )
        })
        .collect();
    let types = format!("<Types>{}</Types>", missing.concat());
    let names: Vec<String> = (0..8000).map(|number| format!("q/{number:058}")).collect();
    let mut entries: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), b"".as_slice()))
        .collect();
    entries.push(("[Content_Types].xml", types.as_bytes()));
    assert_eq!(type_of(&zip(&entries)), "application/zip");
}
