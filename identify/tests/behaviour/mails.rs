//! Mail, by its headers or by the parts that they announce.

use crate::fixtures::{named, type_of};

#[test]
fn a_saved_page_is_known_by_the_places_of_its_parts() {
    let page = b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=\"x\"\n\n--x\nContent-Type: text/html\nContent-Location: https://example.org/\n\n<html></html>\n--x--\n";
    assert_eq!(type_of(page), "multipart/related");
    let letter = b"From: a@example.org\nTo: b@example.org\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=\"x\"\n\n--x\nContent-Type: text/html\nContent-Location: https://example.org/\n\n<html></html>\n--x--\n";
    assert_eq!(type_of(letter), "message/rfc822");
}

#[test]
fn a_bare_entity_is_known_by_its_boundary() {
    for entity in [
        "Content-Type: multipart/mixed; boundary=\"=_a_b\"\n\n--=_a_b\nContent-Type: text/plain\n\nWords.\n--=_a_b--\n",
        "Content-Type: multipart/alternative;\n boundary=abc\n\nNobody reads this.\n--abc\n\nWords.\n--abc--\n",
        "--=_part_1.234\nContent-Type: text/plain\n\nWords.\n--=_part_1.234\nContent-Type: text/html\n\n<p>Words.</p>\n--=_part_1.234--\n",
    ] {
        assert_eq!(type_of(entity.as_bytes()), "message/rfc822", "{entity}");
    }
    // A boundary that never comes announces nothing.
    let settings = "Content-Type: multipart/mixed; boundary=abc\n\nWords.\n";
    assert_eq!(type_of(settings.as_bytes()), "text/plain");
}

#[test]
fn a_sender_is_enough_for_a_message() {
    assert_eq!(
        type_of(b"From: Ada <ada@example.org>\n\nSome words.\n"),
        "message/rfc822"
    );
    // Not without an address, nor among other keys.
    for text in [
        "From: the beginning\n\nSome words.\n",
        "From: ada@example.org\nColour: red\n\nSome words.\n",
    ] {
        assert_eq!(type_of(text.as_bytes()), "text/plain", "{text}");
    }
}

#[test]
fn a_name_decides_a_mailbox_of_one_message() {
    let one =
        b"From a@example.org Mon Jun 01 04:28:28 2009\nSubject: x\nFrom: a@example.org\n\nBody\n";
    assert_eq!(named(one, "a.eml").media_type, "message/rfc822");
    assert_eq!(named(one, "a.mbox").media_type, "application/mbox");
    let two = [one.as_slice(), b"\n", one].concat();
    assert_eq!(named(&two, "a.eml").media_type, "application/mbox");
}
