//! Text: its structure decides, in whatever encoding.

use crate::fixtures::{nameless, type_of};

const KINDS: &[(&str, &str)] = &[
    ("<!DOCTYPE html>\n<html></html>", "text/html"),
    (
        "<!-- a comment -->\n<table><tr><td>1</td></tr></table>",
        "text/html",
    ),
    (
        "<?xml version=\"1.0\"?>\n<html><script>alert(1)</script></html>",
        "text/html",
    ),
    (
        "<?xml version=\"1.0\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        "application/xhtml+xml",
    ),
    (
        "<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY a \"b\">]><svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "image/svg+xml",
    ),
    (
        "<a:svg xmlns:a=\"http://www.w3.org/2000/svg\"></a:svg>",
        "image/svg+xml",
    ),
    ("<?xml version=\"1.0\"?><note>hi</note>", "application/xml"),
    ("<note><to>you</to></note>", "application/xml"),
    (
        "<kml xmlns=\"http://www.opengis.net/kml/2.2\"></kml>",
        "application/vnd.google-earth.kml+xml",
    ),
    (
        "<rss version=\"2.0\"><channel></channel></rss>",
        "application/xml",
    ),
    (
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- notes -->\n<!ELEMENT note (to, from)>\n<!ATTLIST note id ID #REQUIRED>\n",
        "application/xml-dtd",
    ),
    ("<!ENTITY % text \"#PCDATA\">\n", "application/xml-dtd"),
    (
        "# people\n@prefix foaf: <http://xmlns.com/foaf/0.1/> .\n\n<#ada> foaf:name \"Ada\" .\n",
        "text/turtle",
    ),
    ("<?php echo 1;", "text/x-php"),
    ("{\"a\": [1, 2, {\"b\": null}]}", "application/json"),
    ("{\"a\": 1}\n{\"a\": 2}\n", "application/x-ndjson"),
    (
        "{\"type\": \"FeatureCollection\", \"features\": []}",
        "application/geo+json",
    ),
    ("a,b,c\n1,2,3\n4,5,6\n", "text/csv"),
    ("name;age\r\nAda;36\r\nAlan;41\r\n", "text/csv"),
    (
        "id\tname\n1\tenglish\n2\tdeutsch\n",
        "text/tab-separated-values",
    ),
    (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
        "text/calendar",
    ),
    (
        "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nEND:VCARD\n",
        "text/vcard",
    ),
    (
        "From: a@example.org\nTo: b@example.org\nSubject: x\n\nBody\n",
        "message/rfc822",
    ),
    (
        "From a@example.org Mon Jun 01 04:28:28 2009\nSubject: x\nFrom: a\n\nBody\n",
        "application/mbox",
    ),
    (
        "From: <Saved by Blink>\nSnapshot-Content-Location: https://example.org\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x\n",
        "multipart/related",
    ),
    (
        "1\n00:00:01,000 --> 00:00:02,000\nHello\n",
        "application/x-subrip",
    ),
    (
        "# Title\n\nSome *words* and a [link](https://example.org).\n\n- one\n- two\n",
        "text/markdown",
    ),
    (
        "name: ci\non:\n  push:\n    branches: [main]\njobs:\n  - a\n",
        "application/yaml",
    ),
    (
        "[package]\nname = \"x\"\nversion = \"0.1.0\"\n[target.'cfg(unix)'.dependencies]\na = 1\n",
        "application/toml",
    ),
    ("#!/usr/bin/env python3\nprint('x')\n", "text/x-python"),
    ("#!/bin/bash\nls\n", "text/x-shellscript"),
    ("@echo off\r\ndir\r\n", "text/x-msdos-batch"),
    (
        "import os\n\ndef main(argv):\n    for a in argv:\n        print(a)\n",
        "text/x-python",
    ),
    (
        "#include <stdio.h>\nint main(void) {\n  printf(\"x\");\n  return 0;\n}\n",
        "text/x-c",
    ),
    (
        "CREATE TABLE a (b INT NOT NULL);\nINSERT INTO a VALUES (1);\n",
        "application/sql",
    ),
    ("{\\rtf1\\ansi text}", "application/rtf"),
    (
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        "text/x-diff",
    ),
];

#[test]
fn structure_tells_the_kind_of_text() {
    for (text, expected) in KINDS {
        assert_eq!(type_of(text.as_bytes()), *expected, "{text}");
    }
}

#[test]
fn prose_stays_prose() {
    let cases = [
        "GIF89a is a header; this line is prose, not a picture.\nAnd so is this one.\n",
        "%PDF-1.7 is how a document begins, said the teacher.\n",
        "import duties rose again this year, said the minister.\nfrom Monday, prices change.\n",
        "BM is short for many things.\nMZ too, and RIFF, and PK.\n",
        "First, we came.\nThen, we saw.\nLast, we left.\n",
        "2026-01-01T00:00:00Z INFO started pid=1, user=a, ok=true\n2026-01-01T00:00:01Z WARN retry n=2, user=b, ok=no\n",
        "[section]\nkey = some words\nother = more words\n",
        "{this is no json}\n",
        "\n",
        "WEBVTT is a format of subtitles.\n",
    ];
    for text in cases {
        assert_eq!(type_of(text.as_bytes()), "text/plain", "{text}");
    }
}

#[test]
fn the_encoding_does_not_matter() {
    let page = "<!DOCTYPE html><html><body>Grüße, 世界</body></html>";
    let little: Vec<u8> = page.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = page.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let wide: Vec<u8> = page
        .chars()
        .flat_map(|letter| u32::from(letter).to_le_bytes())
        .collect();
    assert_eq!(type_of(&little), "text/html");
    assert_eq!(type_of(&big), "text/html");
    assert_eq!(type_of(&wide), "text/html");
    assert_eq!(
        type_of(&[b"\xff\xfe".as_slice(), &little].concat()),
        "text/html"
    );
    assert_eq!(
        type_of(&[b"\xef\xbb\xbf".as_slice(), page.as_bytes()].concat()),
        "text/html"
    );
    assert_eq!(
        type_of(b"Gr\xfc\xdfe aus M\xfcnchen, und so weiter\n"),
        "text/plain"
    );
    assert_eq!(
        type_of(b"\x83\x65\x83\x58\x83\x67 \x82\xcc\x95\xb6\x8f\x91\n\x83\x65\x83\x58\x83\x67\n"),
        "text/plain"
    );
}

#[test]
fn marks_are_found_behind_comments_and_descriptions() {
    let cases = [
        (
            "# Generated, do not edit.\n[Desktop Entry]\nName=A\n",
            "application/x-desktop",
        ),
        (
            "# A root\n#\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            "application/x-x509-cert",
        ),
        (
            ".\\\" A comment\n.TH A 1\n.SH NAME\na \\- does it\n\n    const a = require('a');\n    console.log(a);\n",
            "text/troff",
        ),
        (
            "Author: A\n\n    Import it.\n\ndiff --git x x\n--- x\n+++ x\n@@ -1,3 +1,3 @@\n import os\n-import sys\n+import re\n def main():\n",
            "text/x-diff",
        ),
        (
            "<note><to/></note>\n<?after it?>\n<!-- and this -->\n",
            "application/xml",
        ),
        (
            ";;; a.el --- A mode\n\n(defvar a nil)\n(defun b () nil)\n",
            "text/x-emacs-lisp",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(type_of(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn what_only_resembles_a_format_is_plain_text() {
    let cases = [
        // Notes, forms and package headers.
        "name: A\nplace: B\ndate: today\n",
        "Package: a\nVersion: 1\nDescription: short\n long, and more of it\n .\n and the end\n",
        // A shell's variables.
        "A_DIR='-L/usr/lib'\nA_LIBS=\"-la\"\nA_VERSION=\"1.0\"\n",
        // Properties with headings in their comments.
        "# Settings\n# =====\n## The first\na.b=1\n## The second\n- off\n- on\na.c=2\na.d=3\na.e=4\na.f=5\n",
        // An editor's script.
        "\" A plugin\n\" Language: any\n\" Of: somebody\nset cpo=1\nset a=b\nif exist a\ngoto b\ncall a.bat\n",
    ];
    for text in cases {
        assert_eq!(type_of(text.as_bytes()), "text/plain", "{text}");
    }
}

#[test]
fn statements_are_no_table() {
    assert_ne!(type_of(b"mod a;\nmod b;\nmod c;\n"), "text/csv");
    assert_ne!(
        type_of(b"create foo;\nselect foo;\ndrop foo;\n"),
        "text/csv"
    );
    assert_eq!(type_of(b"a;b;\n1;2;\n3;4;\n"), "text/csv");
}

#[test]
fn a_document_about_code_is_a_document() {
    let page = "# A crate\n\n[docs](https://example.org/a)\n\nUse `std::fmt`:\n\n    class A : public B {\n    private:\n    std::string a;\n    };\n    using namespace std;\n\n- one\n- two\n\nAnd then\nthere is\nmore to\nsay.\n";
    assert_eq!(type_of(page.as_bytes()), "text/markdown");
}

/// EBCDIC for words of small letters.
fn ebcdic(text: &str) -> Vec<u8> {
    let letter = |letter: u8| match letter {
        b'a'..=b'i' => letter - b'a' + 0x81,
        b'j'..=b'r' => letter - b'j' + 0x91,
        b's'..=b'z' => letter - b's' + 0xa2,
        b'.' => 0x4b,
        b'\n' => 0x25,
        _ => 0x40,
    };
    text.bytes().map(letter).collect()
}

#[test]
fn words_in_old_and_unmarked_encodings_are_text() {
    // Shift JIS without any blank, longer than a short sample.
    let kana = b"\x82\xb1\x82\xea\x82\xcd\x93\xfa\x96\x7b\x8c\xea\x82\xcc\x95\xb6\x8f\xcd\x82\xc5\x82\xb7\x81\x42\x92\xb7\x82\xa2\x82\xe0\x82\xcc\x82\xe0\x82\xa0\x82\xe9\x81\x42".repeat(300);
    assert_eq!(type_of(&kana), "text/plain");
    let chinese = "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心。";
    let little: Vec<u8> = chinese.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = chinese.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(type_of(&little), "text/plain");
    assert_eq!(type_of(&big), "text/plain");
    assert_eq!(
        type_of(&ebcdic("all of them are born free and equal in dignity.\n")),
        "text/plain"
    );
    assert_eq!(
        type_of(b"\x1b$)C\x0e8p5g AN0#@:\x0f words\n\x0e8p5g\x0f more words\n"),
        "text/plain"
    );
}

#[test]
fn noise_without_zeros_is_no_text() {
    let mut state = 0x2545_f491_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    })
    .filter(|byte| *byte >= 0x20)
    .take(4000)
    .collect();
    assert_eq!(type_of(&noise), "application/octet-stream");
}

#[test]
fn a_long_comment_hides_no_root() {
    let picture = format!(
        "<?xml version=\"1.0\"?><!--{}--><svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "c".repeat(200_000)
    );
    let found = nameless(picture.as_bytes());
    assert_eq!(found.media_type, "image/svg+xml");
    assert!(found.active_content);
}

#[test]
fn deep_nesting_is_no_danger() {
    assert_eq!(type_of("[".repeat(100_000).as_bytes()), "application/json");
    let open = "<a>".repeat(50_000);
    assert!(!nameless(open.as_bytes()).media_type.is_empty());
}
