//! The order in which a package's claims are heard: what runs before what
//! declares itself, and a declaration only beside the parts it requires.

use std::io;

use super::directory::Directory;
use super::{claims, cut, markers, opc};
use crate::finding::Finding;
use crate::window::Window;

/// What the ZIP that begins at offset 0 is.
pub(crate) fn judge(window: &mut Window) -> io::Result<Finding> {
    let directory = Directory::read(window)?;
    let found = classify(window, &directory)?;
    // Readers open the archive that is complete, so what it holds counts as well.
    let Some(around) = directory.around(window) else {
        return Ok(found);
    };
    let outer = classify(window, &around)?;
    let runs = found.active || markers::mobile_or_java(&directory).is_some();
    Ok(outer.polyglot_if(true).active_if(runs))
}

/// What the ZIP at the end of something else is, if there is one.
pub(crate) fn judge_appended(window: &mut Window) -> io::Result<Option<Finding>> {
    let directory = Directory::read_central(window)?;
    if directory.entries.is_empty() {
        return Ok(None);
    }
    classify(window, &directory).map(Some)
}

fn classify(window: &mut Window, directory: &Directory) -> io::Result<Finding> {
    let encrypted = directory.entries.iter().any(|entry| entry.encrypted);
    if directory.is_cut && cut::is_android(window, directory)? {
        return Ok(Finding::likely(cut::ANDROID).encrypted_if(encrypted));
    }
    let mut document = match opc::judge(window, directory)? {
        Some(found) => Some(found),
        None => declared(window, directory)?,
    };
    if document.is_none() && directory.is_cut {
        document = cut::judge(window, directory)?;
    }
    let runs = markers::mobile_or_java(directory);
    let has_code = directory
        .any(|name| markers::ends_with(name, ".class") || name.eq_ignore_ascii_case("classes.dex"));
    let found = match (document, runs) {
        (Some(document), Some(_)) if !has_code => document,
        (Some(_), Some(program)) => Finding::certain(program).polyglot_if(true),
        (Some(document), None) => document,
        (None, Some(program)) => Finding::certain(program),
        (None, None) => undeclared(window, directory)?,
    };
    Ok(found.encrypted_if(encrypted))
}

/// What an archive is that neither runs nor declares a type.
fn undeclared(window: &mut Window, directory: &Directory) -> io::Result<Finding> {
    let marked = markers::judge(directory);
    if let Some(media_type) = marked
        && !is_described(window, directory, media_type)?
    {
        return Ok(Finding::certain("application/zip").or_by_name(claims::of(directory)));
    }
    if let Some(media_type) = marked.or(iwork(window, directory)?) {
        let found = Finding::likely(media_type);
        return Ok(if claims::IWORK.contains(&media_type) {
            found.or_by_name(claims::IWORK)
        } else {
            found
        });
    }
    Ok(Finding::certain("application/zip").or_by_name(claims::of(directory)))
}

/// Packages whose entries have names that others have too, and what their description must hold.
const DESCRIBED: &[(&str, &str, &[&str])] = &[
    (
        "application/zip+dotlottie",
        "manifest.json",
        &["\"animations\""],
    ),
    (
        "application/x.scratch.sb3",
        "project.json",
        &["\"targets\"", "\"objName\""],
    ),
    (
        "application/vnd.openofficeorg.extension",
        "description.xml",
        &["openoffice.org/extensions/description"],
    ),
];

/// Whether the package describes itself as what its entries look like.
fn is_described(window: &mut Window, directory: &Directory, media_type: &str) -> io::Result<bool> {
    let Some((_, entry, words)) = DESCRIBED.iter().find(|(kind, ..)| *kind == media_type) else {
        return Ok(true);
    };
    let content = directory.content(window, entry)?;
    Ok(words.iter().any(|word| contains_text(&content, word)))
}

/// The former format of Pages and Numbers: one XML file, told by its root.
fn iwork(window: &mut Window, directory: &Directory) -> io::Result<Option<&'static str>> {
    let content = directory.content(window, "index.xml")?;
    let roots = [
        ("<sl:document", "application/vnd.apple.pages"),
        ("<ls:document", "application/vnd.apple.numbers"),
        ("<key:presentation", "application/vnd.apple.keynote"),
    ];
    let start = &content[..content.len().min(4096)];
    Ok(roots
        .iter()
        .find(|(root, _)| contains_text(start, root))
        .map(|(_, media_type)| *media_type))
}

/// What a `mimetype` entry declares, where the rest of the package bears it out.
fn declared(window: &mut Window, directory: &Directory) -> io::Result<Option<Finding>> {
    let container = directory.has("META-INF/container.xml");
    let declared = directory.content(window, "mimetype")?;
    let declared = String::from_utf8_lossy(&declared);
    let declared = declared
        .trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0')
        .to_ascii_lowercase();
    let media_type = markers::DECLARABLE
        .iter()
        .copied()
        .find(|known| *known == declared);
    let open_document = directory.has("META-INF/manifest.xml") || directory.has("content.xml");
    let borne_out = media_type.filter(|media_type| match *media_type {
        "application/epub+zip" => {
            container || directory.any(|name| markers::ends_with(name, ".opf"))
        }
        kind if kind.starts_with("application/vnd.oasis")
            || kind.starts_with("application/vnd.sun") =>
        {
            open_document
        }
        _ => directory.entries.len() > 1,
    });
    if let Some(media_type) = borne_out {
        let macros = open_document
            && directory.any(|name| name.starts_with("Basic/") || name.starts_with("Scripts/"));
        let encrypted = open_document
            && contains_text(
                &directory.content(window, "META-INF/manifest.xml")?,
                "encryption-data",
            )
            || media_type == "application/epub+zip" && directory.has("META-INF/rights.xml");
        return Ok(Some(
            Finding::certain(media_type)
                .active_if(macros)
                .encrypted_if(encrypted),
        ));
    }
    if container {
        let content = directory.content(window, "META-INF/container.xml")?;
        if contains_text(&content, "application/oebps-package+xml") {
            return Ok(Some(Finding::certain("application/epub+zip")));
        }
        if contains_text(&content, "musicxml") {
            return Ok(Some(Finding::certain("application/vnd.recordare.musicxml")));
        }
    }
    if open_document {
        // An OpenDocument whose mimetype entry is gone still declares itself
        // in its manifest, as the type of the root.
        let manifest = directory.content(window, "META-INF/manifest.xml")?;
        let manifest = String::from_utf8_lossy(&manifest).to_ascii_lowercase();
        let root = manifest
            .split('<')
            .find(|tag| tag.contains("full-path=\"/\""))
            .and_then(|tag| {
                markers::DECLARABLE
                    .iter()
                    .copied()
                    .filter(|known| tag.contains(&format!("\"{known}\"")))
                    .max_by_key(|known| known.len())
            });
        return Ok(root.map(Finding::certain));
    }
    Ok(None)
}

fn contains_text(bytes: &[u8], text: &str) -> bool {
    crate::numbers::contains(bytes, text.as_bytes())
}
