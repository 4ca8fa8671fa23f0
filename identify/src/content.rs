//! The layers in their order: what the bytes alone say. Structure before
//! marks, marks before text, text before libraries, chance last.

use std::io::{self, Read};

use crate::finding::Finding;
use crate::window::Window;
use crate::{containers, libraries, numbers, ole2, signatures, text, zip};

/// The bytes' own verdict, and their text if they are text.
pub(crate) struct Content {
    pub(crate) finding: Option<Finding>,
    pub(crate) text: Option<text::Text>,
    /// What a name may call bytes of which nothing is known.
    pub(crate) may_be: Vec<&'static str>,
}

/// Judges the bytes.
pub(crate) fn judge(window: &mut Window) -> io::Result<Content> {
    if window.len() == 0 {
        return Ok(Content {
            finding: Some(Finding::certain("application/x-empty")),
            text: None,
            may_be: Vec::new(),
        });
    }
    let text = text::decode(window.head(), window.is_whole());
    let is_clean = text.as_ref().is_some_and(|text| text.is_clean);
    let mut finding = structured(window, is_clean)?;
    if finding.is_none() {
        finding = text.as_ref().map(text::judge);
    }
    if finding.is_none() {
        finding = script_before_data(window.head());
    }
    if finding.is_none() {
        finding = zip::judge_appended(window)?;
    }
    if finding.is_none() {
        finding = trailing_mark(window)?;
    }
    if finding.is_none() {
        finding = libraries::judge(window.head()).or_else(|| signatures::judge_weak(window));
    }
    let may_be = match finding {
        Some(_) => Vec::new(),
        None => signatures::claimable(window),
    };
    Ok(Content {
        finding,
        text,
        may_be,
    })
}

fn structured(window: &mut Window, is_text: bool) -> io::Result<Option<Finding>> {
    let head = window.head();
    if head.starts_with(b"PK\x03\x04") {
        return zip::judge(window).map(Some);
    }
    if head.starts_with(ole2::MAGIC) {
        return ole2::judge(window).map(Some);
    }
    if !is_text && let Some(found) = containers::judge(window)? {
        return Ok(Some(found));
    }
    let Some(found) = signatures::judge(window, is_text) else {
        return Ok(None);
    };
    Ok(Some(match found.media_type {
        "application/zlib"
        | "application/x-bzip2"
        | "application/x-raw-disk-image"
        | "application/x-lzfse"
        | "application/x-xz" => disk_image(window)?.unwrap_or(found),
        "application/gzip" => compressed(window.head(), found),
        "application/vnd.rar" => found.encrypted_if(is_encrypted_rar(window.head())),
        "application/vnd.sqlite3" if window.head().get(68..72) == Some(b"GPKG") => {
            Finding::certain("application/geopackage+sqlite3")
        }
        "application/pdf" => portable_document(window, found)?,
        "image/png" if is_animated(window.head()) => Finding::certain("image/apng"),
        "application/x-bplist" if numbers::contains(window.head(), b"WebMainResource") => {
            Finding::certain("application/x-webarchive")
        }
        _ => found,
    }))
}

/// What document formats keep compressed as a whole.
fn compressed(head: &[u8], found: Finding) -> Finding {
    let mut start = Vec::new();
    // An error in the middle leaves what came before it.
    let _partial = flate2::read::GzDecoder::new(&head[..head.len().min(16 * 1024)])
        .take(4096)
        .read_to_end(&mut start);
    let inside: [(&[u8], &str); 4] = [
        (b"gnumeric.org", "application/x-gnumeric"),
        (b"<abiword", "application/x-abiword"),
        (
            b"http://www.lysator.liu.se/~alla/dia/",
            "application/x-dia-diagram",
        ),
        (b"BLENDER-v", "application/x-blender"),
    ];
    let found =
        found.active_if(numbers::contains(&start, b"<svg") || numbers::contains(&start, b"<html"));
    inside
        .iter()
        .find(|(mark, _)| numbers::contains(&start, mark))
        .map_or(found, |(_, media_type)| Finding::certain(media_type))
}

fn is_encrypted_rar(head: &[u8]) -> bool {
    match head.get(6) {
        Some(0) => numbers::u16_le(head, 10).is_some_and(|flags| flags & 0x80 != 0),
        Some(1) => head.get(13) == Some(&4),
        _ => false,
    }
}

/// Scripts and locks of a PDF, as far as its head and tail show them.
fn portable_document(window: &mut Window, found: Finding) -> io::Result<Finding> {
    let scripts: [&[u8]; 4] = [b"/JavaScript", b"/JS (", b"/JS(", b"/Launch"];
    let mut active = scripts
        .iter()
        .any(|mark| numbers::contains(window.head(), mark));
    let mut encrypted = numbers::contains(window.head(), b"/Encrypt");
    if !window.is_whole() {
        let (_, tail) = window.tail()?;
        active |= scripts.iter().any(|mark| numbers::contains(tail, mark));
        encrypted |= numbers::contains(tail, b"/Encrypt");
    }
    Ok(found.active_if(active).encrypted_if(encrypted))
}

/// An animation control chunk before the first image data.
fn is_animated(head: &[u8]) -> bool {
    let mut at = 8;
    for _ in 0..32 {
        let (Some(length), Some(kind)) = (numbers::u32_be(head, at), head.get(at + 4..at + 8))
        else {
            return false;
        };
        match kind {
            b"acTL" => return true,
            b"IDAT" => return false,
            _ => at = at.saturating_add(12).saturating_add(length as usize),
        }
    }
    false
}

/// A script that carries data behind it, as self-extracting ones do.
fn script_before_data(head: &[u8]) -> Option<Finding> {
    if !head.starts_with(b"#!") {
        return None;
    }
    let end = head
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(head.len())
        .min(4096);
    let text = text::decode(
        &head[..head[..end].iter().rposition(|byte| *byte == b'\n')?],
        false,
    )?;
    Some(text::judge(&text)).filter(|found| found.media_type != "text/plain")
}

/// An Apple disk image begins with its first blocks, compressed in any way, and signs at its end.
fn disk_image(window: &mut Window) -> io::Result<Option<Finding>> {
    let length = window.len();
    let end = window.read(length.saturating_sub(512), 512)?;
    let signed = end.starts_with(b"koly\0\0\0\x04");
    Ok(signed.then(|| Finding::certain("application/x-apple-diskimage")))
}

/// Formats that sign at their end.
fn trailing_mark(window: &mut Window) -> io::Result<Option<Finding>> {
    let length = window.len();
    let end = window.read(length.saturating_sub(512), 512)?;
    if end.starts_with(b"koly") {
        return Ok(Some(Finding::certain("application/x-apple-diskimage")));
    }
    // Pickles of the second protocol on: what says so, and the full stop.
    if let [0x80, 2..=5, ..] = window.head()
        && end.ends_with(b".")
    {
        return Ok(Some(Finding::likely("application/x-python-pickle")));
    }
    if end.starts_with(b"conectix") {
        return Ok(Some(Finding::certain("application/x-vhd-disk")));
    }
    if end.ends_with(b"TRUEVISION-XFILE.\0") {
        return Ok(Some(Finding::certain("image/x-tga")));
    }
    if end.len() >= 128 && end[end.len() - 128..].starts_with(b"TAG") && window.len() > 128 {
        return Ok(Some(Finding::likely("audio/mpeg")));
    }
    Ok(None)
}
