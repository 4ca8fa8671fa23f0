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
    "res/layout",
    "res/drawable",
    "res/anim",
    "res/color",
    "res/mipmap",
    "lib/arm",
    "lib/x86",
    "kotlin/kotlin.kotlin_builtins",
];

/// Whether the entries are those of a package of Android, which runs.
pub(super) fn is_android(directory: &Directory) -> bool {
    directory.has("AndroidManifest.xml")
        || directory.has("classes.dex")
        || directory.any(|name| STARTS.iter().any(|start| name.starts_with(start)))
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
