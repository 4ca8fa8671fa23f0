//! ZIP packages: what lies in them decides, in whatever order it lies.

use crate::fixtures::{named, nameless, open_package, type_of, zip, zip_flagged};

const WORD: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const OFFICE: &str = "officeDocument/2006/relationships/officeDocument";

fn office(content_type: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let (types, relations) = open_package("main/part.xml", content_type, OFFICE);
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("main/part.xml", b"<x/>"),
        ("_rels/.rels", relations.as_bytes()),
    ];
    entries.extend(more);
    entries.push(("[Content_Types].xml", types.as_bytes()));
    zip(&entries)
}

#[test]
fn the_main_part_of_an_office_document_decides() {
    let cases = [
        (WORD, DOCX),
        (
            "application/vnd.ms-word.document.macroEnabled.main+xml",
            "application/vnd.ms-word.document.macroenabled.12",
        ),
        (
            "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
            "application/vnd.ms-word.template.macroenabled.12",
        ),
        (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
        ),
        (
            "application/vnd.ms-excel.sheet.binary.macroEnabled.main",
            "application/vnd.ms-excel.sheet.binary.macroenabled.12",
        ),
        (
            "application/vnd.ms-excel.addin.macroEnabled.main+xml",
            "application/vnd.ms-excel.addin.macroenabled.12",
        ),
        (
            "application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml",
            "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
        ),
        (
            "application/vnd.ms-powerpoint.template.macroEnabled.main+xml",
            "application/vnd.ms-powerpoint.template.macroenabled.12",
        ),
    ];
    for (content_type, expected) in cases {
        let found = nameless(&office(content_type, &[]));
        assert_eq!(found.media_type, expected);
        assert_eq!(found.active_content, expected.contains("macroenabled"));
    }
}

#[test]
fn macros_make_a_document_macro_enabled_whatever_it_declares() {
    let found = named(
        &office(WORD, &[("word/vbaProject.bin", b"x")]),
        "letter.docx",
    );
    assert_eq!(
        found.media_type,
        "application/vnd.ms-word.document.macroenabled.12"
    );
    assert!(found.active_content);
    assert!(found.mismatch);
}

#[test]
fn macros_are_told_by_the_types_of_their_parts() {
    let described = |more: &str| {
        format!(
            "<Types>{more}<Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/></Types>"
        )
    };
    let cases = [
        (
            "<Override PartName=\"/xl/a.dat\" ContentType=\"application/vnd.ms-office.vbaProject\"/>",
            "xl/a.dat",
        ),
        (
            "<Override PartName='/xl/sheet9.xml' ContentType='application/vnd.ms-excel.macrosheet+xml'/>",
            "xl/sheet9.xml",
        ),
        (
            "<Default Extension=\"dat\" ContentType=\"application/vnd.ms-office.vbaProject\"/>",
            "xl/A.DAT",
        ),
        ("", "XL/MacroSheets/sheet1.xml"),
    ];
    for (declared, part) in cases {
        let types = described(declared);
        let with = zip(&[
            ("[Content_Types].xml", types.as_bytes()),
            ("xl/workbook.xml", b"<x/>"),
            (part, b"x"),
        ]);
        let found = nameless(&with);
        assert_eq!(
            found.media_type, "application/vnd.ms-excel.sheet.macroenabled.12",
            "{part}"
        );
        assert!(found.active_content);
        let without = zip(&[
            ("[Content_Types].xml", types.as_bytes()),
            ("xl/workbook.xml", b"<x/>"),
        ]);
        assert!(!nameless(&without).active_content, "{part}");
    }
}

#[test]
fn drawings_fixed_pages_and_models_are_told_by_their_main_part() {
    let cases = [
        (
            "visio/document.xml",
            "application/vnd.ms-visio.drawing.main+xml",
            "package/2006/visio/2010/relationships/document",
            "application/vnd.ms-visio.drawing.main+xml",
        ),
        (
            "FixedDocSeq.fdseq",
            "application/vnd.ms-package.xps-fixeddocumentsequence+xml",
            "xps/2005/06/fixedrepresentation",
            "application/vnd.ms-xpsdocument",
        ),
        (
            "3D/3dmodel.model",
            "application/vnd.ms-package.3dmanufacturing-3dmodel+xml",
            "3dmanufacturing/2013/01/3dmodel",
            "model/3mf",
        ),
    ];
    for (part, content_type, relation, expected) in cases {
        let (types, relations) = open_package(part, content_type, relation);
        let package = zip(&[
            ("[Content_Types].xml", types.as_bytes()),
            ("_rels/.rels", relations.as_bytes()),
            (part, b"<x/>"),
        ]);
        assert_eq!(type_of(&package), expected);
    }
}

#[test]
fn an_entry_with_a_telling_name_alone_is_a_decoy() {
    assert_eq!(
        type_of(&zip(&[
            ("readme.txt", b"x"),
            ("word/document.xml", b"<x/>")
        ])),
        "application/zip"
    );
    assert_eq!(
        type_of(&zip(&[(
            "mimetype",
            b"application/vnd.oasis.opendocument.text"
        )])),
        "application/zip"
    );
    let document = office(
        WORD,
        &[("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n")],
    );
    assert_eq!(type_of(&document), DOCX);
}

#[test]
fn code_in_a_document_is_code() {
    let found = named(
        &office(
            WORD,
            &[
                ("META-INF/MANIFEST.MF", b"Main-Class: A\n"),
                ("A.class", b"\xca\xfe\xba\xbe"),
            ],
        ),
        "a.docx",
    );
    assert_eq!(found.media_type, "application/java-archive");
    assert!(found.active_content && found.polyglot && found.mismatch);
}

#[test]
fn declared_types_need_the_parts_they_require() {
    let cases: [(&[u8], &str, &str); 5] = [
        (
            b"application/vnd.oasis.opendocument.text",
            "content.xml",
            "application/vnd.oasis.opendocument.text",
        ),
        (
            b"application/vnd.oasis.opendocument.graphics-template\n",
            "content.xml",
            "application/vnd.oasis.opendocument.graphics-template",
        ),
        (
            b"application/vnd.sun.xml.writer",
            "content.xml",
            "application/vnd.sun.xml.writer",
        ),
        (
            b"application/epub+zip",
            "META-INF/container.xml",
            "application/epub+zip",
        ),
        (b"image/openraster", "stack.xml", "image/openraster"),
    ];
    for (declared, part, expected) in cases {
        assert_eq!(
            type_of(&zip(&[("mimetype", declared), (part, b"<x/>")])),
            expected
        );
        assert_eq!(
            type_of(&zip(&[(part, b"<x/>"), ("mimetype", declared)])),
            expected,
            "order does not matter"
        );
    }
}

#[test]
fn an_open_document_without_its_mimetype_entry_is_known_by_its_manifest() {
    let manifest = br#"<m><f manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></m>"#;
    assert_eq!(
        type_of(&zip(&[
            ("META-INF/manifest.xml", manifest),
            ("content.xml", b"<x/>")
        ])),
        "application/vnd.oasis.opendocument.spreadsheet"
    );
}

#[test]
fn packages_are_told_by_what_they_hold() {
    let cases: [(&[&str], &str); 9] = [
        (
            &["META-INF/MANIFEST.MF", "a/B.class"],
            "application/java-archive",
        ),
        (
            &["AndroidManifest.xml", "classes.dex", "META-INF/MANIFEST.MF"],
            "application/vnd.android.package-archive",
        ),
        (&["doc.kml"], "application/vnd.google-earth.kmz"),
        (&["Payload/A.app/Info.plist"], "application/x-ios-app"),
        (
            &["META-INF/mozilla.rsa", "manifest.json"],
            "application/x-xpinstall",
        ),
        (
            &["Index/Slide.iwa", "Index/Document.iwa"],
            "application/vnd.apple.keynote",
        ),
        (
            &["designmap.xml", "Spreads/a.xml"],
            "application/vnd.adobe.indesign-idml-package",
        ),
        (&["scene.usdc", "a.png"], "model/vnd.usdz+zip"),
        (&["a.txt", "b.txt"], "application/zip"),
    ];
    for (names, expected) in cases {
        let entries: Vec<(&str, &[u8])> =
            names.iter().map(|name| (*name, b"x".as_slice())).collect();
        assert_eq!(type_of(&zip(&entries)), expected);
    }
}

#[test]
fn locked_entries_are_noticed() {
    assert!(nameless(&zip_flagged(&[("a.txt", b"x")], 1)).encrypted);
    assert!(!nameless(&zip(&[("a.txt", b"x")])).encrypted);
}

#[test]
fn a_package_that_was_cut_short_is_read_from_its_start() {
    let (types, relations) = open_package("word/document.xml", WORD, OFFICE);
    let whole = zip(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", relations.as_bytes()),
        ("word/document.xml", &[b'x'; 5000]),
    ]);
    assert_eq!(type_of(&whole[..2000]), DOCX);
}

#[test]
fn thousands_of_entries_hide_nothing() {
    let (types, relations) = open_package("word/document.xml", WORD, OFFICE);
    let fillers: Vec<String> = (0..9000)
        .map(|number| format!("{number:060}.xml"))
        .collect();
    let mut entries: Vec<(&str, &[u8])> = fillers
        .iter()
        .map(|name| (name.as_str(), b"".as_slice()))
        .collect();
    entries.extend([
        ("_rels/.rels", relations.as_bytes()),
        ("word/document.xml", b"<x/>".as_slice()),
        ("[Content_Types].xml", types.as_bytes()),
    ]);
    assert_eq!(type_of(&zip(&entries)), DOCX);
}

#[test]
fn a_description_tells_packages_whose_entries_have_common_names() {
    let cases: [(&str, &str, &str, &str); 3] = [
        (
            "manifest.json",
            "{\"animations\": [{\"id\": \"a\"}]}",
            "animations/a.json",
            "application/zip+dotlottie",
        ),
        (
            "project.json",
            "{\"targets\": [], \"meta\": {}}",
            "a.svg",
            "application/x.scratch.sb3",
        ),
        (
            "description.xml",
            "<description xmlns=\"http://openoffice.org/extensions/description/2006\"/>",
            "META-INF/manifest.xml",
            "application/vnd.openofficeorg.extension",
        ),
    ];
    for (description, content, other, expected) in cases {
        let told = zip(&[(description, content.as_bytes()), (other, b"{}")]);
        assert_eq!(type_of(&told), expected);
        let untold = zip(&[(description, b"{\"name\": \"a\"}"), (other, b"{}")]);
        assert_eq!(type_of(&untold), "application/zip");
    }
}
