//! What every extension that there is may make of files of ten kinds: nothing that the file doesn't
//! show. What a name may choose all the same, and why, docs/IDENTIFICATION.md says.

use identify::known_extensions;

use crate::fixtures::{named, nameless, zip};

const PROSE: &[&[u8]] = &[
    b"The last of the ships came home in the evening, late as ever.\nNobody had waited for it, and so nobody was there to see it.\n",
    b"A single sentence, which ends here.",
    b"hello world\n",
    b"Dear Anna,\n\nthank you for the book (and the flowers). I'll write soon: there is much to tell.\n\n  Yours, B.\n\nP.S. Don't forget: Tuesday, 8 o'clock.\n",
    b"To import goods, select a class from the list; then return the form.\nLet the clerk define what is public, and if it is final, end there.\n",
    b"\"Where to?\" asked the man.\n\"Home,\" she said.\n'Then go,' said he -- and she went.\n",
    b"O wind,\nif winter comes,\ncan spring be far behind?\n",
    b"Anna Muster\nHauptstrasse 5\n10115 Berlin\nGermany\n",
    b"CHAPTER ONE\n\nIt began in spring. The roads were dry, and the carts went out early.\n\nNobody came back.\n",
    b"On Monday Bob wrote:\n> we should meet\n> at noon\n\nFine with me.\n",
    "Am Abend kam das letzte Schiff, sp\u{e4}t wie immer.\nNiemand hatte gewartet, und so sah es niemand.\n".as_bytes(),
    "\u{4eba}\u{4eba}\u{751f}\u{800c}\u{81ea}\u{7531}\u{ff0c}\u{5728}\u{5c0a}\u{4e25}\u{548c}\u{6743}\u{5229}\u{4e0a}\u{4e00}\u{5f8b}\u{5e73}\u{7b49}\u{3002}\n".as_bytes(),
];
/// Prose that isn't Markdown either: that is written in Unicode.
const OLD_PROSE: &[&[u8]] = &[
    b"Die Gr\xf6\xdfe der B\xe4ume \xfcberraschte uns; \xfcbrig blieb f\xfcr sp\xe4ter nur ein Fu\xdf.\n",
    b"\n",
];
const XML: &[&[u8]] = &[
    b"<?xml version=\"1.0\"?>\n<catalogue><item id=\"1\">one</item><item id=\"2\">two</item></catalogue>\n",
    b"<catalogue><item id=\"1\">one</item></catalogue>\n",
    b"<?xml version=\"1.0\"?>\n<a:b xmlns:a=\"urn:example:x\"><a:c/></a:b>\n",
    b"<?xml version=\"1.0\"?>\n<!DOCTYPE note [<!ELEMENT note (#PCDATA)>]>\n<note>words</note>\n",
];
/// JSON in one line, which is a file of lines as well.
const JSON_LINE: &[&[u8]] = &[
    b"{\"name\": \"a\", \"values\": [1, 2, 3], \"nested\": {\"b\": null}}\n",
    b"{\"version\": \"1.0\", \"files\": [\"a\"], \"asset\": \"x\", \"cells\": 3, \"log\": 4}",
    b"[1, 2, 3]\n",
];
const JSON: &[&[u8]] = &[
    b"{\n  \"a\": 1,\n  \"type\": \"module\",\n  \"log\": {\"b\": [true, null]}\n}\n",
    b"[\n  {\"id\": 1, \"type\": \"a\"},\n  {\"id\": 2, \"type\": \"b\"}\n]\n",
];
const PAGES: &[&[u8]] = &[
    b"<!DOCTYPE html>\n<html><head><title>A page</title></head><body><p>Words.</p></body></html>\n",
    b"<HTML><HEAD><TITLE>A</TITLE></HEAD><BODY BGCOLOR=white>Words<BR></BODY></HTML>\n",
    b"<!doctype html><html><head><script>var a = 1;</script></head><body onload=\"a()\"><h1>T</h1></body></html>",
];
const FRAGMENTS: &[&[u8]] = &[
    b"<div class=\"a\"><p>Some words.</p>\n<p>More words.</p></div>\n",
    b"<ul>\n  <li>one</li>\n  <li>two</li>\n</ul>\n",
    b"<table border=\"1\"><tr><td>1</td><td>2</td></tr></table>",
    b"<script>alert(1)</script>",
];
const SCRIPTS: &[&[u8]] = &[
    b"'use strict';\nconst fs = require('fs');\nfunction main(a) {\n  if (a === 1) {\n    console.log(a);\n  }\n}\nmodule.exports = main;\n",
    b"import { a } from './a.js';\n\nexport default function b(c) {\n  return a(c) + 1;\n}\n\nexport const d = () => b(2);\n",
    b"!function(e,t){\"object\"==typeof exports?module.exports=t():e.a=t()}(this,function(){var e=1;return function(t){return t+e}});",
    b"$(document).ready(function() {\n  $('#a').click(function() {\n    alert('b');\n  });\n});\n",
];
const TABLES: &[&[u8]] = &[
    b"id,name,value\n1,one,1.5\n2,two,2.5\n3,three,3.5\n",
    b"id;name;value\n1;one;1,5\n2;two;2,5\n3;three;3,5\n",
    b"\"id\",\"name\",\"remark\"\n\"1\",\"one\",\"words, and more\"\n\"2\",\"two\",\"a \"\"quoted\"\" word\"\n",
    b"a,b\n1,2\n3,4\n",
];
const PHOTO: &[u8] = b"II*\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\x01\0\0\0\x01\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0";
const MADE_BY_OTHERS: &[u8] =
    b"MM\0*\0\0\0\x08\0\x01\x01\x0f\0\x02\0\0\0\x08\0\0\0\x1a\0\0\0\0ACME INC";

/// Whole names that claim a type.
const NAMES: &[&str] = &[
    "Makefile",
    "Dockerfile",
    "Gemfile",
    "Jenkinsfile",
    ".bashrc",
    ".DS_Store",
    "Cargo.lock",
    "thumbs.db",
    "winmail.dat",
];

/// What else a file may be called, and the extensions that call it so.
type Choice<'a> = (&'static str, &'a [&'a str]);

const MARKDOWN: Choice<'_> = ("text/markdown", &["md", "markdown", "mkd", "mdown"]);

/// The type of `bytes` without a name, under every name except those of the choices.
fn only_these_choose(bytes: &[u8], expected: &str, choices: &[Choice<'_>]) {
    let sample = || String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
    assert_eq!(nameless(bytes).media_type, expected, "{:?}", sample());
    for extension in known_extensions() {
        let choice = choices.iter().find(|(_, all)| all.contains(&extension));
        let wanted = choice.map_or(expected, |(media_type, _)| media_type);
        let found = named(bytes, &format!("upload.{extension}")).media_type;
        assert_eq!(found, wanted, "{:?} under .{extension}", sample());
    }
    for name in NAMES {
        let found = named(bytes, name).media_type;
        assert_eq!(found, expected, "{:?} called {name}", sample());
    }
}

#[test]
fn prose_may_be_called_markdown_and_nothing_else() {
    for prose in PROSE {
        only_these_choose(prose, "text/plain", &[MARKDOWN]);
    }
    for prose in OLD_PROSE {
        only_these_choose(prose, "text/plain", &[]);
    }
}

#[test]
fn no_name_makes_a_vocabulary_of_xml_that_has_another_root() {
    for document in XML {
        only_these_choose(document, "application/xml", &[]);
    }
}

#[test]
fn no_name_makes_a_dialect_of_json_without_its_keys() {
    for document in JSON {
        only_these_choose(document, "application/json", &[]);
    }
    for document in JSON_LINE {
        let lines = ("application/x-ndjson", ["ndjson", "jsonl"].as_slice());
        only_these_choose(document, "application/json", &[lines]);
    }
}

#[test]
fn no_name_makes_a_template_of_a_page() {
    for page in PAGES.iter().chain(FRAGMENTS) {
        only_these_choose(page, "text/html", &[]);
    }
}

#[test]
fn a_script_may_be_called_typescript_which_it_is_too() {
    let typed = (
        "application/typescript",
        ["ts", "tsx", "cts", "mts"].as_slice(),
    );
    for script in SCRIPTS {
        only_these_choose(script, "text/javascript", &[typed]);
    }
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
    for table in TABLES {
        only_these_choose(table, "text/csv", &[("text/plain", &plain)]);
    }
}

#[test]
fn an_archive_keeps_its_type_without_a_telling_entry() {
    let plain = zip(&[("notes.txt", b"words"), ("data/a.csv", b"1,2")]);
    let letter = zip(&[("word/document.xml", b"<x/>")]);
    let nested = zip(&[("inner.zip", &plain), ("letter.docx", &letter)]);
    let source = zip(&[("src/main.py", b"import os\n"), ("manifest.txt", b"x")]);
    let empty = zip(&[]);
    for archive in [&plain, &letter, &nested, &source, &empty] {
        only_these_choose(archive, "application/zip", &[]);
    }
}

#[test]
fn a_picture_without_a_camera_is_no_raw_photo() {
    only_these_choose(PHOTO, "image/tiff", &[]);
    only_these_choose(MADE_BY_OTHERS, "image/tiff", &[]);
}

#[test]
fn a_name_says_nothing_of_bytes_that_show_nothing() {
    let mut state = 0x2545_f491_u32;
    let mut noise = |length: usize| -> Vec<u8> {
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[1]
        })
        .take(length)
        .collect()
    };
    for length in [1000, 40, 100, 5000] {
        only_these_choose(&noise(length), "application/octet-stream", &[]);
    }
    for byte in [0, 0xff] {
        only_these_choose(&[byte; 600], "application/octet-stream", &[]);
    }
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
