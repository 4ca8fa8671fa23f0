//! What a name may do: choose within the family, and nothing else.

use crate::fixtures::{compound, named, zip};

#[test]
fn a_name_chooses_within_the_family() {
    let cases: [(&[u8], &str, &str); 12] = [
        (b"Just `words`.\n", "readme.md", "text/markdown"),
        (b"a\n1\n2\n", "column.csv", "text/csv"),
        (b"x = 1;\ny = x + f(2);\n", "calc.go", "text/x-go"),
        (
            b"<?xml version=\"1.0\"?><molecule/>",
            "a.cml",
            "chemical/x-cml",
        ),
        (
            b"{\"type\": \"Point\", \"coordinates\": [1, 2]}",
            "a.geojson",
            "application/geo+json",
        ),
        (
            b"\0\0\0\x18ftypisom\0\0\0\0isommp42\0\0\0\x08mdat",
            "a.m4a",
            "audio/mp4",
        ),
        (
            b"<rss version=\"2.0\"></rss>",
            "feed.xml",
            "application/xml",
        ),
        (
            b"<rss version=\"2.0\"></rss>",
            "feed.rss",
            "application/rss+xml",
        ),
        (
            b"<feed xmlns=\"http://www.w3.org/2005/Atom\"></feed>",
            "feed.atom",
            "application/atom+xml",
        ),
        // Only its own name makes a feed more than XML.
        (
            b"<feed xmlns=\"http://www.w3.org/2005/Atom\"></feed>",
            "feed.pdf",
            "application/xml",
        ),
        (
            b"<rss version=\"2.0\"></rss>",
            "feed.svg",
            "application/xml",
        ),
        (b"\0\0\x02\0\0\0\0\0\0\0\0\0\x01", "a.tga", "image/x-tga"),
    ];
    for (bytes, name, expected) in cases {
        assert_eq!(named(bytes, name).media_type, expected, "{name}");
    }
}

#[test]
fn a_lying_name_changes_nothing() {
    for name in [
        "a.pdf", "a.jpg", "a.txt", "a.docx", "a.csv", "a.png", "a.zip", "a.mp3", "a",
    ] {
        assert_eq!(
            named(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", name).media_type,
            "image/png"
        );
        assert_eq!(
            named(b"%PDF-1.7\n%\xe2\xe3\n", name).media_type,
            "application/pdf"
        );
        assert_eq!(
            named(b"<!DOCTYPE html><html></html>", name).media_type,
            "text/html"
        );
        assert_eq!(
            named(&zip(&[("a.txt", b"x")]), name).media_type,
            "application/zip"
        );
        assert_eq!(
            named(&compound(&["Workbook"], [0; 16]), name).media_type,
            "application/vnd.ms-excel"
        );
        assert_eq!(
            named(b"\0\x01\x02\x03\xfe\xfd\xfc", name).media_type,
            "application/octet-stream"
        );
    }
}

#[test]
fn what_runs_is_never_made_harmless_by_a_name() {
    let cases: [&[u8]; 6] = [
        b"<html><script>alert(1)</script></html>",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>",
        b"#!/bin/sh\nrm -rf x\n",
        b"<?php system($_GET['c']);",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0",
        b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46",
    ];
    for bytes in cases {
        for name in [
            "a.txt", "a.jpg", "a.pdf", "a.csv", "a.md", "a.json", "a.xml", "a.docx", "a.log",
        ] {
            let found = named(bytes, name);
            assert!(found.active_content, "{name}: {}", found.media_type);
            assert_eq!(Some(found.media_type), found.by_content, "{name}");
        }
    }
}

#[test]
fn a_mismatch_is_a_name_that_contradicts_the_content() {
    assert!(named(b"%PDF-1.7\n", "a.docx").mismatch);
    assert!(!named(b"%PDF-1.7\n", "a.pdf").mismatch);
    assert!(!named(b"%PDF-1.7\n", "a").mismatch);
    assert!(!named(b"%PDF-1.7\n", "a.unheard-of").mismatch);
    assert!(named(b"\x7fELF\x02\x01\x01\0\0\0\0\0", "report.pdf").mismatch);
    assert!(!named(b"a,b\n1,2\n3,4\n", "a.txt").mismatch);
    assert!(!named(b"", "a.pdf").mismatch);
}

#[test]
fn weakly_proved_text_keeps_its_general_type_whatever_its_name() {
    let prose = "The last of the ships came home in the evening, late as ever.\n";
    let log = "2026-01-01T00:00:00Z INFO started pid=1, user=a, ok=true\n2026-01-01T00:00:01Z WARN retry n=2, user=b, ok=no\n";
    let settings = "[server]\nport = 80\nroot = /srv\n\n[client]\nretries = 3\n";
    let manifest = "[package]\nname = \"x\"\nversion = \"1\"\n";
    let cases = [
        (
            prose,
            "text/plain",
            ["a.pdf", "a.py", "a.js", "a.csv", "a.yaml", "a.json"],
        ),
        (
            log,
            "text/plain",
            ["a.md", "a.py", "a.js", "a.csv", "a.yaml", "a.json"],
        ),
        (
            "\n",
            "text/plain",
            ["a.md", "a.py", "a.js", "a.csv", "a.yaml", "a.json"],
        ),
        (
            settings,
            "text/plain",
            ["a.py", "a.js", "a.yaml", "a.json", "a.csv", "a.html"],
        ),
        (
            manifest,
            "application/toml",
            ["a.py", "a.js", "a.yaml", "a.json", "a.md", "a.csv"],
        ),
    ];
    for (text, expected, names) in cases {
        for name in names {
            assert_eq!(
                named(text.as_bytes(), name).media_type,
                expected,
                "{name}: {text}"
            );
        }
    }
}

#[test]
fn a_name_does_not_turn_code_into_settings_or_pages() {
    let java = "package a.b;\n\nimport java.util.List;\n\npublic class A {\n    private int a;\n    // <b>\n    public static void main(String[] b) {\n        System.out.println(1);\n    }\n}\n";
    for name in ["a.yaml", "a.md", "a.csv", "a.html", "a.json", "a.toml"] {
        assert_eq!(
            named(java.as_bytes(), name).media_type,
            "text/x-java",
            "{name}"
        );
    }
}

#[test]
fn code_may_be_documented_at_length_and_keep_its_name() {
    let cases = [
        (
            "\"\"\"\nname.of.module\n~~~~~~~~~~~~~~\n\nWhat it does, told in more than a few words here.\n\"\"\"\nfrom .a import b\n",
            "a.py",
            "text/x-python",
        ),
        (
            "/*\n   A sheet of styles that nobody has written anything in until now.\n*/\n",
            "a.css",
            "text/css",
        ),
        (
            "cargo build --release > out.txt\n",
            "a.sh",
            "text/x-shellscript",
        ),
    ];
    for (text, name, expected) in cases {
        assert_eq!(named(text.as_bytes(), name).media_type, expected, "{name}");
    }
}

#[test]
fn a_mailed_patch_is_a_patch_when_its_name_says_so() {
    let patch = b"From 0123456789 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nDate: Mon, 1 Jun 2026 10:00:00 +0000\nSubject: [PATCH] x\n\n---\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
    assert_eq!(named(patch, "0001-x.patch").media_type, "text/x-diff");
}
