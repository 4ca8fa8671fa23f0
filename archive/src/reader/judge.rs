//! What is wrong with an entry, as far as the directory tells.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use zip::CompressionMethod;
use zip::read::ZipFileEntry;
use zip_records::{Central, FLAG_ENCRYPTED, FLAG_MASKED, FLAG_PATCH, FLAG_STRONG};

use super::EntryProblem;
use crate::method::Method;
use crate::names::folded;

/// The longest path that is taken, in bytes.
const LONGEST_PATH: usize = 4096;

/// The kinds of file in a Unix mode, in the upper half of the attributes.
const MODE_KIND: u32 = 0o170_000;
const MODE_FILE: u32 = 0o100_000;
const MODE_FOLDER: u32 = 0o040_000;

/// The paths of an archive so far.
#[derive(Debug, Default)]
pub(super) struct Paths {
    seen: HashSet<u64>,
    keys: RandomState,
}

impl Paths {
    /// Whether no entry before had this path, or one that some file systems take for it.
    pub(super) fn take(&mut self, path: &str) -> bool {
        let key = self.keys.hash_one(folded(path));
        self.seen.insert(key)
    }
}

/// How an entry is packed, if that can be read here.
pub(super) fn method_of(entry: &ZipFileEntry<'_>) -> Option<Method> {
    match entry.compression() {
        CompressionMethod::Stored => Some(Method::Stored),
        CompressionMethod::Deflated => Some(Method::Deflated),
        _ => None,
    }
}

/// Whether it is a folder: these hold nothing.
pub(super) fn is_folder(entry: &ZipFileEntry<'_>, path: &str) -> bool {
    path.ends_with('/') && entry.size() == 0 && entry.compressed_size() <= 2
}

/// What is wrong with an entry other than its place among others.
pub(super) fn problem_of(record: &Central<'_>, path: Option<&str>) -> Option<EntryProblem> {
    if !path.is_some_and(is_safe) {
        return Some(EntryProblem::UnsafeName);
    }
    let entry = record.entry();
    let kind = (entry.external_attributes() >> 16) & MODE_KIND;
    if kind != 0 && kind != MODE_FILE {
        return Some(EntryProblem::NotAFile);
    }
    if record.flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED) != 0 {
        return Some(EntryProblem::Encrypted);
    }
    match method_of(entry) {
        _ if record.flags & FLAG_PATCH != 0 => Some(EntryProblem::UnknownMethod),
        None => Some(EntryProblem::UnknownMethod),
        Some(Method::Stored) if entry.compressed_size() != entry.size() => {
            Some(EntryProblem::Broken)
        }
        Some(_) => None,
    }
}

/// What is wrong with a folder.
pub(super) fn folder_problem(entry: &ZipFileEntry<'_>, path: &str) -> Option<EntryProblem> {
    if !path.strip_suffix('/').is_some_and(is_safe) {
        return Some(EntryProblem::UnsafeName);
    }
    let kind = (entry.external_attributes() >> 16) & MODE_KIND;
    (kind != 0 && kind != MODE_FOLDER && kind != MODE_FILE).then_some(EntryProblem::NotAFile)
}

/// Whether a path stays where it is unpacked, on any system.
fn is_safe(path: &str) -> bool {
    let bytes = path.as_bytes();
    let drive = bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
    !drive
        && path.len() <= LONGEST_PATH
        && !path.contains(is_misleading)
        && path
            .split('/')
            .all(|segment| !matches!(segment.trim(), "" | "." | ".."))
}

fn is_misleading(character: char) -> bool {
    character.is_control()
        || matches!(character, '\\' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_where_it_is_unpacked() {
        for safe in ["a", "a/b.txt", "..a/b..", "C/x", "a b/ c"] {
            assert!(is_safe(safe), "{safe}");
        }
        for unsafe_path in [
            "",
            "/a",
            "../a",
            "a/../../b",
            "a//b",
            "./a",
            "a/.. /b",
            "C:a",
            "c:/a",
            "..\\a",
            "\\\\server\\a",
            "a\0b",
            "a\nb",
            "a\u{202e}b",
            "a/",
        ] {
            assert!(!is_safe(unsafe_path), "{unsafe_path:?}");
        }
    }

    #[test]
    fn twins_in_case_or_normal_form_are_one_path() {
        let mut paths = Paths::default();
        assert!(paths.take("A/caf\u{e9}"));
        assert!(!paths.take("a/cafe\u{301}"));
        assert!(paths.take("a/cafe"));
    }
}
