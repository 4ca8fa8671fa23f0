//! Files made to deceive.

use crate::fixtures::{named, nameless, type_of, zip};

const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

#[test]
fn a_picture_with_an_archive_behind_it_is_two_things() {
    let program = zip(&[
        ("META-INF/MANIFEST.MF", b"Main-Class: A\n"),
        ("A.class", b"x"),
    ]);
    let found = nameless(&[GIF, &program].concat());
    assert_eq!(found.media_type, "image/gif");
    assert!(found.polyglot && found.active_content);
    assert!(!nameless(GIF).polyglot);
}

#[test]
fn a_picture_with_a_program_in_it_is_active() {
    let found = nameless(&[GIF, b"<?php system('x'); ?>"].concat());
    assert!(found.polyglot && found.active_content);
}

#[test]
fn a_page_before_a_document_is_seen() {
    let found = nameless(b"\x01<html><script>alert(1)</script>\0\n%PDF-1.4\n%%EOF");
    assert_eq!(found.media_type, "application/pdf");
    assert!(found.polyglot && found.active_content);
}

#[test]
fn a_document_behind_rubbish_is_still_one() {
    let rubbish: Vec<u8> = (0..=255_u8).cycle().skip(1).take(1000).collect();
    assert_eq!(
        type_of(&[rubbish.as_slice(), b"%PDF-1.4\n1 0 obj"].concat()),
        "application/pdf"
    );
}

#[test]
fn double_extensions_deceive_nobody() {
    let mut program = vec![0_u8; 0x80];
    program[..2].copy_from_slice(b"MZ");
    program[0x3c] = 0x40;
    program[0x40..0x44].copy_from_slice(b"PE\0\0");
    for name in ["invoice.pdf.exe", "invoice.exe.pdf", "invoice.pdf"] {
        let found = named(&program, name);
        assert_eq!(
            found.media_type,
            "application/vnd.microsoft.portable-executable"
        );
        assert!(found.active_content);
    }
    assert!(named(&program, "invoice.pdf").mismatch);
}

#[test]
fn a_bomb_costs_nothing() {
    // A stored entry that claims four gibibytes, and sizes that lie.
    let mut bomb = zip(&[("[Content_Types].xml", b"x"), ("mimetype", b"y")]);
    for at in 0..bomb.len().saturating_sub(4) {
        if bomb[at..].starts_with(b"PK\x01\x02") {
            bomb[at + 20..at + 28].copy_from_slice(&[0xff; 8]);
        }
    }
    assert_eq!(type_of(&bomb), "application/zip");
}

#[test]
fn scripts_and_locks_of_a_pdf_are_noticed() {
    assert!(nameless(b"%PDF-1.7\n1 0 obj<</S/JavaScript/JS(app.alert(1))>>endobj").active_content);
    assert!(nameless(b"%PDF-1.7\ntrailer<</Encrypt 5 0 R>>").encrypted);
    assert!(!nameless(b"%PDF-1.7\n1 0 obj<<>>endobj").active_content);
}
