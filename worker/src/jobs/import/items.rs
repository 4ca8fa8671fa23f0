//! Turns archive entries into import items: documents of the manifest, and one document for each
//! other file. Pure.

use std::collections::HashMap;

use archive::{Contents, EntryProblem, Extent, Listed, Method};
use domain::{DocumentName, ItemCode, MediaType, Metadata, Sha256, read_json};
use ledger::{ArchivedContent, ImportEntry, NewImportItem};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::description::{BrokenDescription, Described, Description};
use crate::archives::MANIFEST;

/// The most characters shown of a path that can't be a name.
const SHOWN: usize = 255;

/// How much longer than its compact form metadata may be, for escapes and white space.
const LONGEST_METADATA: usize = 8 * Metadata::MAX_BYTES;

/// The files of an archive that don't belong to a document yet.
pub(super) struct Files<'a> {
    contents: &'a Contents,
    places: HashMap<&'a str, usize>,
    used: Vec<bool>,
}

impl<'a> Files<'a> {
    /// All files but the manifest.
    pub(super) fn of(contents: &'a Contents) -> Self {
        let mut places = HashMap::with_capacity(contents.entries.len());
        let mut used = vec![false; contents.entries.len()];
        for (place, entry) in contents.entries.iter().enumerate() {
            if entry.path == MANIFEST {
                used[place] = true;
            } else if entry.problem.is_none() && !entry.is_folder {
                places.insert(entry.path.as_str(), place);
            }
        }
        Self {
            contents,
            places,
            used,
        }
    }

    /// The directory positions that documents have used so far.
    pub(super) fn into_used(self) -> Vec<bool> {
        self.used
    }

    fn take(&mut self, path: &str) -> Option<&'a Listed> {
        let place = self.places.remove(path)?;
        self.used[place] = true;
        self.contents.entries.get(place)
    }

    /// The item of a document whose bytes exist.
    pub(super) fn described(&mut self, document: Description<'_>) -> Option<NewImportItem> {
        match document {
            Description::Whole(document) => self.whole(document),
            Description::Broken(document) => self.broken(document),
        }
    }

    /// A malformed description fails its own document; its files don't become documents of their
    /// own.
    fn broken(&mut self, document: BrokenDescription) -> Option<NewImportItem> {
        if let Some(path) = &document.path {
            self.take(path)?;
        }
        for path in &document.others {
            self.take(path);
        }
        let name = document.name.or(document.path);
        // If it names no path, the item is named after the manifest.
        let name = name.unwrap_or_else(|| MANIFEST.to_owned());
        Some(NewImportItem {
            position: 0,
            name: shown(&name),
            entry: Err(ItemCode::Invalid),
        })
    }

    fn whole(&mut self, mut document: Described<'_>) -> Option<NewImportItem> {
        if !self.places.contains_key(document.path.as_str()) {
            return None;
        }
        document.versions.sort_by_key(|version| version.number);
        let mut sources: Vec<(String, Option<String>, String)> = document
            .versions
            .into_iter()
            .filter(|version| version.path != document.path)
            .map(|version| (version.path, version.declared_type, version.sha256))
            .collect();
        // The current version comes last, so that it gets the highest number.
        sources.push((document.path, document.declared_type, document.sha256));
        let mut contents = Vec::new();
        let mut failure = None;
        for (path, declared_type, sha256) in sources {
            match self.take(&path) {
                Some(file) => contents.push(content(&file.extent, declared_type, Some(sha256))),
                None => failure = Some(ItemCode::BrokenEntry),
            }
        }
        if document.name.parse::<DocumentName>().is_err() {
            failure = Some(ItemCode::UnsafeName);
        }
        let written = document.metadata.map(RawValue::get);
        let metadata = metadata(written).unwrap_or_else(|| {
            failure = Some(ItemCode::Invalid);
            Value::Null
        });
        Some(NewImportItem {
            position: 0,
            name: shown(&document.name),
            entry: match failure {
                Some(code) => Err(code),
                None => Ok(ImportEntry {
                    contents,
                    is_described: true,
                    metadata,
                }),
            },
        })
    }
}

/// Unparsed metadata; `None` if it can't be metadata.
fn metadata(written: Option<&str>) -> Option<Value> {
    let Some(written) = written else {
        return Some(Value::Object(Map::new()));
    };
    if written.len() > LONGEST_METADATA {
        return None;
    }
    let value: Value = read_json(written.as_bytes()).ok()?;
    Metadata::try_from(value.clone()).ok().map(|_| value)
}

/// A file that the manifest doesn't name; folders are not files.
pub(super) fn plain(file: &Listed) -> Option<NewImportItem> {
    if file.is_folder && file.problem.is_none() {
        return None;
    }
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let code = match file.problem {
        Some(problem) => Some(code_of(problem)),
        None if name.parse::<DocumentName>().is_err() => Some(ItemCode::UnsafeName),
        None => None,
    };
    Some(NewImportItem {
        position: 0,
        name: shown(if code.is_some() { &file.path } else { name }),
        entry: match code {
            Some(code) => Err(code),
            None => Ok(ImportEntry {
                contents: vec![content(&file.extent, None, None)],
                is_described: false,
                metadata: Value::Object(Map::new()),
            }),
        },
    })
}

/// A path sanitised for display and storage.
fn shown(path: &str) -> String {
    let visible = |character: char| match character {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        character if character.is_control() => char::REPLACEMENT_CHARACTER,
        character => character,
    };
    path.chars().take(SHOWN).map(visible).collect()
}

fn content(
    extent: &Extent,
    declared_type: Option<String>,
    sha256: Option<String>,
) -> ArchivedContent {
    ArchivedContent {
        offset: extent.offset,
        limit: extent.limit,
        packed: extent.packed,
        size: extent.size,
        crc32: extent.crc32,
        deflated: extent.method == Method::Deflated,
        name_crc32: extent.name_crc32,
        name_length: extent.name_length,
        // Invalid types and digests are dropped; a database might not accept them.
        declared_type: declared_type.filter(|text| text.parse::<MediaType>().is_ok()),
        sha256: sha256.map(|text| match text.parse::<Sha256>() {
            Ok(_) => text,
            Err(_) => String::new(),
        }),
    }
}

const fn code_of(problem: EntryProblem) -> ItemCode {
    match problem {
        EntryProblem::UnsafeName => ItemCode::UnsafeName,
        EntryProblem::NotAFile => ItemCode::NotAFile,
        EntryProblem::Encrypted => ItemCode::Encrypted,
        EntryProblem::UnknownMethod => ItemCode::UnsupportedMethod,
        EntryProblem::Duplicate => ItemCode::DuplicateEntry,
        EntryProblem::Broken => ItemCode::BrokenEntry,
    }
}
