//! Files that are two things: a picture or a document with an archive behind
//! it, a page before it, or a program in it.

use std::io;

use super::{active, family};
use crate::finding::Finding;
use crate::numbers::{contains, find};
use crate::window::Window;
use crate::zip;

/// Looks for a second type in what was recognised as `found`.
pub(crate) fn inspect(window: &mut Window, found: Finding) -> io::Result<Finding> {
    let media_type = found.media_type;
    if family::is_textual(media_type) || carries_anything(media_type) {
        return Ok(found);
    }
    let (runs, second) = embedded(window.head(), media_type);
    let mut found = found.active_if(runs).polyglot_if(second);
    let appended = {
        let (_, tail) = window.tail()?;
        let (tail_runs, tail_second) = if is_picture_or_media(media_type) {
            scripts(tail)
        } else {
            (false, false)
        };
        found = found.active_if(tail_runs).polyglot_if(tail_second);
        contains(tail, b"PK\x05\x06")
    };
    if appended && let Some(archive) = zip::judge_appended(window)? {
        found = found
            .polyglot_if(true)
            .active_if(archive.active || active::is_active(archive.media_type));
    }
    Ok(found)
}

/// Archives, disks and programs hold other files by nature.
fn carries_anything(media_type: &str) -> bool {
    family::is_package(media_type)
        || family::is_compound(media_type)
        || active::is_active(media_type)
        || media_type.starts_with("application/x-") && media_type.ends_with("-disk")
        || matches!(
            media_type,
            "application/x-tar"
                | "application/gzip"
                | "application/vnd.rar"
                | "application/x-7z-compressed"
                | "application/x-iso9660-image"
                | "application/x-raw-disk-image"
                | "application/x-apple-diskimage"
                | "application/x-cpio"
                | "application/x-archive"
                | "application/vnd.ms-cab-compressed"
                | "application/vnd.ms-outlook-pst"
                | "application/vnd.ms-tnef"
                | "application/mbox"
                | "application/onenote"
                | "application/x-ms-wim"
                | "application/vnd.tcpdump.pcap"
                | "application/x-pcapng"
                | "application/vnd.sqlite3"
                | "application/x-msaccess"
        )
}

fn is_picture_or_media(media_type: &str) -> bool {
    ["image/", "audio/", "video/", "font/"]
        .iter()
        .any(|kind| media_type.starts_with(kind))
}

/// Whether something in the head runs, and whether it is a second type.
fn embedded(head: &[u8], media_type: &str) -> (bool, bool) {
    let start = &head[..head.len().min(1024)];
    let document = media_type == "application/pdf";
    if document {
        let before = &start[..find(start, b"%PDF-").unwrap_or(0)];
        let lower = before.to_ascii_lowercase();
        let page = [
            b"<html".as_slice(),
            b"<script",
            b"<!doctype html",
            b"<svg",
            b"<?php",
        ]
        .iter()
        .any(|mark| contains(&lower, mark));
        return (
            page,
            page || before.starts_with(b"MZ") || before.starts_with(b"PK\x03\x04"),
        );
    }
    let hidden_document = contains(start, b"%PDF-1.") && media_type != "application/postscript";
    let (runs, second) = if is_picture_or_media(media_type) {
        scripts(head)
    } else {
        (false, false)
    };
    let comment = is_picture_or_media(media_type)
        && start
            .iter()
            .take(32)
            .zip(start.iter().skip(1))
            .any(|pair| pair == (&b'/', &b'*'))
        && contains(head, b"*/");
    let assigned = comment
        && [b"*/=".as_slice(), b"*/ ="]
            .iter()
            .any(|mark| contains(head, mark));
    (runs || assigned, second || hidden_document || assigned)
}

fn scripts(bytes: &[u8]) -> (bool, bool) {
    let marks: [&[u8]; 5] = [b"<?php", b"<script", b"<SCRIPT", b"<html", b"<%eval"];
    let found = marks.iter().any(|mark| contains(bytes, mark));
    (found, found)
}
