//! Archives that are cut short or padded: the family is kept, and what runs is seen.

use crate::fixtures::{nameless, open_package, type_of, zip};

const WORD: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const OFFICE: &str = "officeDocument/2006/relationships/officeDocument";
/// How compiled XML of Android begins.
const COMPILED: &[u8] = b"\x03\0\x08\0";
const ANDROID: &str = "application/vnd.android.package-archive";

/// The first bytes of an archive of these entries and a long one, without its directory.
fn cut(names: &[&str]) -> Vec<u8> {
    cut_of(names, b"<x/>")
}

/// The same, with this content in each of the entries.
fn cut_of(names: &[&str], content: &[u8]) -> Vec<u8> {
    let long = vec![b'x'; 8000];
    let mut entries: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, content)).collect();
    entries.push(("long", &long));
    let mut archive = zip(&entries);
    archive.truncate(4096);
    archive
}

#[test]
fn a_cut_package_of_android_runs() {
    let starts: [&[&str]; 7] = [
        &["AndroidManifest.xml", "assets/a.bin"],
        &["r/a.xml"],
        &["res/layout/a.xml"],
        &["res/drawable-hdpi-v4/a.png"],
        &["META-INF/MANIFEST.MF", "res/drawable/a.png"],
        &["META-INF/com/android/build/gradle/app-metadata.properties"],
        &["classes.dex", "META-INF/MANIFEST.MF"],
    ];
    for names in starts {
        let found = nameless(&cut_of(names, COMPILED));
        assert_eq!(found.media_type, ANDROID, "{names:?}");
        assert!(found.active_content, "{names:?}");
    }
    let signed = b"Manifest-Version: 1.0\r\n\r\nName: AndroidManifest.xml\r\n";
    assert_eq!(type_of(&cut_of(&["META-INF/MANIFEST.MF"], signed)), ANDROID);
    let signed = b"Manifest-Version: 1.0\r\nCreated-By: 1.0 (Android SignApk)\r\n";
    assert_eq!(type_of(&cut_of(&["META-INF/MANIFEST.MF"], signed)), ANDROID);
}

#[test]
fn sources_and_folders_of_the_same_names_are_no_package_of_android() {
    let starts: [&[&str]; 3] = [
        &["AndroidManifest.xml", "res/layout/a.xml"],
        &["res/layout.txt", "res/drawable/a.svg"],
        &["docs/res-v4/a.png", "library/x86.txt"],
    ];
    for names in starts {
        assert_eq!(type_of(&cut(names)), "application/zip", "{names:?}");
    }
}

#[test]
fn a_cut_package_keeps_its_family_by_its_folders() {
    let cases: [(&[&str], &str); 4] = [
        (
            &["_rels/.rels", "docProps/app.xml", "word/styles.xml"],
            DOCX,
        ),
        (
            &["_rels/.rels", "xl/styles.xml"],
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (
            &["docProps/app.xml", "ppt/slides/slide1.xml"],
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
        // A folder alone is anybody's.
        (&["word/list.txt"], "application/zip"),
    ];
    for (names, expected) in cases {
        assert_eq!(type_of(&cut(names)), expected, "{names:?}");
    }
    assert_eq!(
        type_of(&cut(&["_rels/.rels", "word/vbaProject.bin"])),
        "application/vnd.ms-word.document.macroenabled.12"
    );
}

#[test]
fn a_cut_package_is_no_theme_because_it_has_one() {
    let types = format!(
        "<Types><Override PartName=\"/word/theme/theme1.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.theme+xml\"/><Override PartName=\"/word/document.xml\" ContentType=\"{WORD}\"/></Types>"
    );
    let archive = zip(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("word/theme/theme1.xml", b"<x/>"),
        ("word/document.xml", &[b'x'; 5000]),
    ]);
    let whole_types = types.len() + 200;
    assert_eq!(type_of(&archive[..whole_types]), DOCX);
    // The part that tells may be what is missing.
    let until_theme = 49 + types.find("/word/document.xml").expect("it is there");
    assert_eq!(type_of(&archive[..until_theme]), "application/zip");
}

#[test]
fn folders_of_others_are_no_package() {
    let starts: [&[&str]; 3] = [
        &["xl/a.csv", "docProps/x.txt"],
        &["_rels/.rels", "word/list.txt"],
        &["docProps/notes.txt", "ppt/a.xml"],
    ];
    for names in starts {
        assert_eq!(type_of(&cut(names)), "application/zip", "{names:?}");
    }
}

#[test]
fn a_cut_document_is_what_its_first_entry_declares() {
    for declared in [
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/epub+zip",
    ] {
        let mut archive = zip(&[
            ("mimetype", declared.as_bytes()),
            ("Thumbnails/thumbnail.png", &[b'x'; 5000]),
        ]);
        archive.truncate(4096);
        assert_eq!(type_of(&archive), declared);
    }
}

#[test]
fn an_archive_cut_behind_a_document_in_it_is_not_that_document() {
    let (types, relations) = open_package("word/document.xml", WORD, OFFICE);
    let letter = zip(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", relations.as_bytes()),
        ("word/document.xml", b"<x/>"),
    ]);
    let outer = zip(&[
        ("letters/first.docx", &letter),
        ("letters/second.docx", &letter),
        ("long", &[b'x'; 8000]),
    ]);
    // The end of the second letter is the last directory that is there.
    let end = 2 * letter.len() + 30 + "letters/first.docx".len() + 30 + "letters/second.docx".len();
    let found = nameless(&outer[..end]);
    assert_eq!(found.media_type, "application/zip");
    assert!(found.polyglot);
}

#[test]
fn a_program_behind_an_entry_that_holds_it_is_seen() {
    let program = zip(&[
        ("META-INF/MANIFEST.MF", b"Main-Class: A\n"),
        ("A.class", b"\xca\xfe\xba\xbe"),
    ]);
    let outer = zip(&[("a.bin", &program)]);
    let found = nameless(&outer[..30 + "a.bin".len() + program.len()]);
    assert!(
        found.active_content && found.polyglot,
        "{}",
        found.media_type
    );
}
