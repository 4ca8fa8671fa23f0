//! Archives that are cut short: what is missing may be what tells them, so the folders of the parts
//! that are there decide, and what could run is taken for what runs.

use std::io;

use super::directory::Directory;
use super::{markers, opc};
use crate::finding::Finding;
use crate::window::Window;

pub(super) const ANDROID: &str = "application/vnd.android.package-archive";

/// What a name of an entry begins with in packages of Android and of nothing else.
const STARTS: &[&str] = &[
    "META-INF/com/android/",
    "META-INF/androidx.",
    "META-INF/com.android.",
    "lib/arm64-v8a/",
    "lib/armeabi",
    "lib/x86/",
    "lib/x86_64/",
    "kotlin/kotlin.kotlin_builtins",
];

/// How compiled XML begins (Android's `ResChunk_header`: type and size of the header).
const COMPILED: &[u8] = b"\x03\0\x08\0";

/// How many of the first entries are opened.
const MOST_OPENED: usize = 16;

/// Whether the entries are those of a package of Android, which runs.
pub(super) fn is_android(window: &mut Window, directory: &Directory) -> io::Result<bool> {
    let is_signed = directory.has("META-INF/MANIFEST.MF");
    if directory.has("classes.dex")
        || directory.any(|name| {
            STARTS.iter().any(|start| name.starts_with(start)) || is_resource(name, is_signed)
        })
    {
        return Ok(true);
    }
    let compiled = directory
        .entries
        .iter()
        .filter(|entry| markers::ends_with(&entry.name, ".xml"));
    for entry in compiled.take(MOST_OPENED) {
        if Directory::start(window, entry, COMPILED.len())? == COMPILED {
            return Ok(true);
        }
    }
    // Its signature comes first, with what signed it and the names of all that it signs.
    let manifest = directory.content(window, "META-INF/MANIFEST.MF")?;
    let named: [&[u8]; 6] = [
        b"(Android",
        b"Android Gradle",
        b"Signflinger",
        b"Name: AndroidManifest.xml",
        b"Name: classes.dex",
        b"Name: resources.arsc",
    ];
    Ok(named
        .iter()
        .any(|name| crate::numbers::contains(&manifest, name)))
}

/// Resources as a package's folders sort them; only those of one that is signed need not say for
/// which density, or from which version of Android on.
fn is_resource(name: &str, is_signed: bool) -> bool {
    let Some((folder, _)) = name
        .strip_prefix("res/")
        .and_then(|rest| rest.split_once('/'))
    else {
        return false;
    };
    let mut qualifiers = folder.split('-');
    let kind = qualifiers.next().unwrap_or_default();
    let is_kind = [
        "drawable", "mipmap", "layout", "anim", "color", "xml", "raw", "menu",
    ];
    is_kind.contains(&kind)
        && (is_signed
            || qualifiers.any(|qualifier| {
                qualifier.ends_with("dpi")
                    || qualifier
                        .strip_prefix('v')
                        .is_some_and(|version| version.parse::<u8>().is_ok())
            }))
}

/// What document the cut archive is, as far as its first entries tell.
pub(super) fn judge(window: &mut Window, directory: &Directory) -> io::Result<Option<Finding>> {
    match opc::judge_cut(directory) {
        Some(found) => Ok(Some(found)),
        None => declared(window, directory),
    }
}

/// What the first entry declares, which the formats that have it require to be there, and plain.
fn declared(window: &mut Window, directory: &Directory) -> io::Result<Option<Finding>> {
    let is_first = directory
        .entries
        .first()
        .is_some_and(|entry| entry.name == "mimetype" && entry.is_stored());
    if !is_first {
        return Ok(None);
    }
    let declared = directory.content(window, "mimetype")?;
    let declared = String::from_utf8_lossy(&declared).trim().to_owned();
    let media_type = markers::DECLARABLE
        .iter()
        .find(|known| **known == declared)
        .filter(|_| directory.entries.len() > 1);
    Ok(media_type.copied().map(Finding::likely))
}
