//! Thousands of damaged files, the same in every run: none may make the crate
//! panic, and asking twice gives the same answer.

use crate::fixtures::{compound, named, nameless, open_package, zip};

/// A small generator of numbers, so that a failure can be repeated.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or(0)
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let (types, relations) = open_package(
        "word/document.xml",
        "application/vnd.ms-word.document.macroEnabled.main+xml",
        "officeDocument/2006/relationships/officeDocument",
    );
    let package = zip(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", relations.as_bytes()),
        ("word/document.xml", b"<x/>"),
    ]);
    let mut seeds = vec![
        package,
        compound(
            &["WordDocument", "Workbook", "   114", "Props9"],
            [0x84; 16],
        ),
    ];
    let texts: [&[u8]; 20] = [
        b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY a 'b'>]><svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        b"<!DOCTYPE html><html><head><title>t</title></head><body>\xc3\xa4</body></html>",
        b"{\"type\": \"FeatureCollection\", \"features\": [1, 2.5e3, null, \"\\u00e4\"]}",
        b"name,age\n\"Ada, Countess\",36\nAlan,41\n",
        b"From: a@example.org\r\nReceived: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n",
        b"\0\0\0\x18ftypisom\0\0\0\0isommp42\0\0\0\x20moov\0\0\0\x18trakvidesoun",
        b"MM\0*\0\0\0\x08\0\x02\x01\x0f\0\x02\0\0\0\x06\0\0\0\x26\x01\x4a\0\x04\0\0\0\x01NIKON\0",
        b"\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x82\x01\x00\x30\x82\x00\xf0\x02\x01\x01",
        b"\x30\x82\x02\x00\x30\x82\x01\x00\xa0\x03\x02\x01\x02\x02\x01\x01\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d",
        b"ID3\x03\0\0\0\0\0\x0a0123456789\xff\xfb\x90\0",
        b"\xff\xf1\x50\x80\x02\x1f\xfc\xff\xf1\x50\x80",
        b"\x03\x5f\x07\x1a\x01\0\0\0\x41\0\x0b\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0NAME\0\0\0\0\0\0\0C\0\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0d",
        b"\x85\x01\x0c\x03\0\x01\x02\x03\x04\x05\x06\x07\x01\x07\xff",
        b"\x78\x9c\x4b\x4c\x4a\x06\0\x02\x4d\x01\x27",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\x4c\x4a\x06\0\xc2\x41\x24\x35\x03\0\0\0",
        b"P6\n# c\n2 2\n255\n\0\0\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\0\0\0\0\0\0\0\x08acTL",
        b"#!/usr/bin/env -S FOO=1 python3\nimport os\n",
        b"---\nkey: value\n---\n\n# Title\n\n```rust\nfn main() {}\n```\n",
        b"[package]\nname = \"x\"\na = [\n \"b\",\n]\n[target.'cfg(unix)'.x]\n",
    ];
    seeds.extend(texts.iter().map(|text| text.to_vec()));
    seeds
}

fn mutate(seed: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(6) {
        let at = numbers.below(bytes.len());
        match numbers.below(7) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), numbers.byte()),
            2 => bytes.extend_from_slice(&seed[numbers.below(seed.len())..]),
            3 if !bytes.is_empty() => {
                let end = (at + 4).min(bytes.len());
                bytes[at..end].fill([0, 0xff, 0x7f, b'<', b'"'][numbers.below(5)]);
            }
            4 => drop(bytes.drain(at.min(bytes.len())..(at + numbers.below(16)).min(bytes.len()))),
            _ if !bytes.is_empty() => bytes[at] = numbers.byte(),
            _ => {}
        }
    }
    bytes
}

#[test]
fn no_damage_makes_it_panic_or_waver() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let names = [
        "a.docx",
        "a.txt",
        "a.",
        "",
        ".",
        "a.csv",
        "a.xml",
        "a.rs",
        "\u{202e}fdp.exe",
    ];
    for seed in seeds() {
        for _ in 0..400 {
            let bytes = mutate(&seed, &mut numbers);
            let name = names[numbers.below(names.len())];
            assert_eq!(named(&bytes, name), named(&bytes, name));
            assert!(nameless(&bytes).media_type.contains('/'));
        }
    }
}

/// What texts of many kinds begin with.
const MARKS: &[&str] = &[
    "WEBVTT",
    "{\\rtf",
    "REGEDIT4",
    "BEGIN:",
    "BEGIN:VCARD",
    "#EXTM3U",
    "{1}{2}",
    "msgid \"",
    "#!",
    "#!/",
    "<?php",
    "<?xml",
    "<!doctype",
    "<![",
    "%PDF-",
    "%!PS",
    "-----BEGIN ",
    "From ",
    "\"\"\"",
    "---\n",
    "---\n---",
    "```",
    "[^",
    "@a{",
    "\\a",
    ":a",
    "{\"a",
    "[[",
    "{{",
    "<%",
    "solid",
    "S      1",
    ">",
    "dn: ",
    "=ybegin ",
    "begin 644",
    "@prefix",
    "select",
    "/*",
    "//",
];

#[test]
fn marks_that_end_too_early_or_go_on_strangely_are_survived() {
    for mark in MARKS {
        for behind in [
            "",
            "\n",
            "\u{e9}",
            "\u{2192}",
            "\n\u{e9}",
            " \u{1f600}\n",
            ":\u{e9}:",
        ] {
            let text = format!("{mark}{behind}");
            for end in 0..=text.len() {
                let bytes = &text.as_bytes()[..end];
                assert!(nameless(bytes).media_type.contains('/'), "{text}");
                assert!(named(bytes, "a.md").media_type.contains('/'), "{text}");
            }
            let again = format!("{text}\n{text} {text}");
            assert!(nameless(again.as_bytes()).media_type.contains('/'));
        }
    }
}

#[test]
fn rubbish_of_any_length_is_survived() {
    let mut numbers = Numbers(42);
    for length in (0..600).chain([4095, 4096, 65_557, 70_000, 300_000]) {
        let bytes: Vec<u8> = (0..length).map(|_| numbers.byte()).collect();
        assert!(nameless(&bytes).media_type.contains('/'));
    }
}

#[test]
fn every_prefix_of_every_seed_is_survived() {
    for seed in seeds() {
        for end in 0..seed.len().min(700) {
            assert!(nameless(&seed[..end]).media_type.contains('/'));
        }
    }
}
