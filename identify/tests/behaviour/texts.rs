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
        "application/rss+xml",
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
