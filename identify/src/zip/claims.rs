//! What a name may call an archive that declares nothing, each with the entries that it takes.

use super::directory::Directory;
use super::markers::ends_with;

const COMIC: &[&str] = &["application/vnd.comicbook+zip"];
const MAP: &[&str] = &["application/vnd.google-earth.kmz"];
const EXTENSION: &[&str] = &["application/x-xpinstall"];
const ANDROID: &[&str] = &["application/vnd.android.package-archive"];
const JAVA: &[&str] = &["application/java-archive"];
const MUSIC: &[&str] = &["application/vnd.recordare.musicxml"];
/// Sheets and letters have the same parts.
pub(super) const IWORK: &[&str] = &[
    "application/vnd.apple.pages",
    "application/vnd.apple.numbers",
];

/// The types of which the archive has the telling entries.
pub(super) fn of(directory: &Directory) -> &'static [&'static str] {
    let any = |ending: &str| directory.any(|name| ends_with(name, ending));
    if directory.has("AndroidManifest.xml") || directory.has("resources.arsc") || any(".apk") {
        return ANDROID;
    }
    if any(".kml") {
        return MAP;
    }
    if any(".musicxml") {
        return MUSIC;
    }
    if directory.has("manifest.json") {
        return EXTENSION;
    }
    if directory.any(|name| name.starts_with("META-INF/")) {
        return JAVA;
    }
    if is_pictures(directory) {
        return COMIC;
    }
    &[]
}

/// Pictures, and little that describes them.
fn is_pictures(directory: &Directory) -> bool {
    let pictures = [".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"];
    let remarks = [".xml", ".txt", ".nfo", ".db", ".ds_store", "/"];
    let is_of = |kinds: &[&str], name: &str| kinds.iter().any(|ending| ends_with(name, ending));
    directory.any(|name| is_of(&pictures, name))
        && !directory.any(|name| !is_of(&pictures, name) && !is_of(&remarks, name))
}
