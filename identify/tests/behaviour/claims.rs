//! What every extension that there is may make of ten files: nothing that the file doesn't show.

use identify::known_extensions;

use crate::fixtures::{named, nameless, zip};

const PROSE: &[u8] = b"The last of the ships came home in the evening, late as ever.\nNobody had waited for it, and so nobody was there to see it.\n";
const XML: &[u8] = b"<?xml version=\"1.0\"?>\n<catalogue><item id=\"1\">one</item><item id=\"2\">two</item></catalogue>\n";
const JSON: &[u8] = b"{\"name\": \"a\", \"values\": [1, 2, 3], \"nested\": {\"b\": null}}\n";
const PAGE: &[u8] =
    b"<!DOCTYPE html>\n<html><head><title>A page</title></head><body><p>Words.</p></body></html>\n";
const FRAGMENT: &[u8] = b"<div class=\"a\"><p>Some words.</p>\n<p>More words.</p></div>\n";
const SCRIPT: &[u8] = b"'use strict';\nconst fs = require('fs');\nfunction main(a) {\n  if (a === 1) {\n    console.log(a);\n  }\n}\nmodule.exports = main;\n";
const TABLE: &[u8] = b"id,name,value\n1,one,1.5\n2,two,2.5\n3,three,3.5\n";
const PHOTO: &[u8] = b"II*\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\x01\0\0\0\x01\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0";

/// What else a file may be called, and the extensions that call it so.
type Choice<'a> = (&'static str, &'a [&'a str]);

/// The type of `bytes` without a name, under every extension except those of the choices.
fn only_these_choose(bytes: &[u8], expected: &str, choices: &[Choice<'_>]) {
    assert_eq!(nameless(bytes).media_type, expected);
    for extension in known_extensions() {
        let choice = choices.iter().find(|(_, all)| all.contains(&extension));
        let wanted = choice.map_or(expected, |(media_type, _)| media_type);
        let found = named(bytes, &format!("upload.{extension}")).media_type;
        assert_eq!(found, wanted, "{expected} under .{extension}");
    }
}

#[test]
fn prose_may_be_called_markdown_and_nothing_else() {
    let markdown = (
        "text/markdown",
        ["md", "markdown", "mkd", "mdown"].as_slice(),
    );
    only_these_choose(PROSE, "text/plain", &[markdown]);
}

#[test]
fn no_name_makes_a_vocabulary_of_xml_that_has_another_root() {
    only_these_choose(XML, "application/xml", &[]);
}

#[test]
fn no_name_makes_a_dialect_of_json_without_its_keys() {
    only_these_choose(JSON, "application/json", &[]);
}

#[test]
fn no_name_makes_a_template_of_a_page() {
    only_these_choose(PAGE, "text/html", &[]);
    only_these_choose(FRAGMENT, "text/html", &[]);
}

#[test]
fn a_script_may_be_called_typescript_which_it_is_too() {
    let typed = (
        "application/typescript",
        ["ts", "tsx", "cts", "mts"].as_slice(),
    );
    only_these_choose(SCRIPT, "text/javascript", &[typed]);
}

#[test]
fn a_table_may_be_called_plain_text() {
    let plain = [
        "txt",
        "text",
        "log",
        "ini",
        "cfg",
        "conf",
        "properties",
        "nfo",
        "list",
        "in",
        "env",
    ];
    only_these_choose(TABLE, "text/csv", &[("text/plain", &plain)]);
}

#[test]
fn an_archive_keeps_its_type_without_a_telling_entry() {
    let archive = zip(&[("notes.txt", b"words"), ("data/a.csv", b"1,2")]);
    only_these_choose(&archive, "application/zip", &[]);
}

#[test]
fn a_picture_without_a_camera_is_no_raw_photo() {
    only_these_choose(PHOTO, "image/tiff", &[]);
}

#[test]
fn a_name_says_nothing_of_bytes_that_show_nothing() {
    let mut state = 0x2545_f491_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    })
    .take(1000)
    .collect();
    only_these_choose(&noise, "application/octet-stream", &[]);
    only_these_choose(b"", "application/x-empty", &[]);
}

#[test]
fn a_name_that_the_content_bears_out_is_believed() {
    let comic = zip(&[("1.jpg", b"x"), ("2.png", b"x"), ("ComicInfo.xml", b"x")]);
    let map = zip(&[("files/a.png", b"x"), ("files/b.kml", b"x")]);
    let extension = zip(&[("background.js", b"x"), ("manifest.json", b"{}")]);
    let split = zip(&[("AndroidManifest.xml", b"x"), ("res/a", b"x")]);
    let photo: Vec<u8> = {
        let mut bytes = b"MM\0*\0\0\0\x08\0\x01\x01\x0f\0\x02\0\0\0\x06\0\0\0\x1a".to_vec();
        bytes.extend(b"\0\0\0\0NIKON\0");
        bytes
    };
    let cases: [(&[u8], &str, &str); 12] = [
        (&comic, "a.cbz", "application/vnd.comicbook+zip"),
        (&map, "a.kmz", "application/vnd.google-earth.kmz"),
        (&map, "a.zip", "application/zip"),
        (&extension, "a.xpi", "application/x-xpinstall"),
        (&split, "a.apk", "application/vnd.android.package-archive"),
        (&photo, "a.nef", "image/x-nikon-nef"),
        (&photo, "a.arw", "image/tiff"),
        (
            b"{\"@context\": \"https://schema.org\", \"name\": 1}",
            "a.jsonld",
            "application/ld+json",
        ),
        (
            b"<?xml version=\"1.0\"?><book><title>a</title></book>",
            "a.dbk",
            "application/docbook+xml",
        ),
        (
            b"subject=A\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            "a.pem",
            "application/x-pem-file",
        ),
        (b"<div>{{ name }}</div>\n", "a.twig", "text/x-twig"),
        (
            b"program = \"x\"\nTitle\n=====\n\n.. note:: a\n",
            "a.rst",
            "text/x-rst",
        ),
    ];
    for (bytes, name, expected) in cases {
        assert_eq!(named(bytes, name).media_type, expected, "{name}");
    }
}

#[test]
fn a_key_is_no_certificate_whatever_its_name() {
    let private = b"\x30\x2e\x02\x01\0\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for name in ["a.der", "a.cer", "a.crt", "a.p8", "a"] {
        assert_eq!(
            named(private, name).media_type,
            "application/pkcs8",
            "{name}"
        );
    }
}
