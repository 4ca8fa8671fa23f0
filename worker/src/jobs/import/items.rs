//! What the entries of an archive become: documents as the manifest says, and each other
//! file a document of its own. Pure: it only looks at what was read.

use std::collections::HashMap;

use archive::{Contents, EntryProblem, Extent, Listed, Method};
use serde_json::Value;
use shared::db::{ArchivedContent, ImportEntry, NewImportItem};
use shared::domain::{DocumentName, ItemCode, Metadata};

use crate::archives::{MANIFEST, Manifest, ManifestDocument};

/// What is shown of a path that can't be a name.
const SHOWN: usize = 255;

/// The items of an archive, in the order of its directory.
pub fn items(contents: Contents, manifest: Option<Manifest>) -> Vec<NewImportItem> {
    let mut files: Vec<_> = contents
        .entries
        .into_iter()
        .filter(|entry| !entry.is_folder || entry.problem.is_some())
        .map(Some)
        .collect();
    let mut found: Vec<(usize, NewImportItem)> = Vec::new();
    if let Some(manifest) = manifest {
        found = described(&mut files, manifest.documents);
    }
    for (place, file) in files.into_iter().enumerate() {
        if let Some(file) = file {
            found.push((place, plain(&file)));
        }
    }
    found.sort_by_key(|(place, _)| *place);
    let items = found.into_iter().map(|(_, item)| item);
    (0..)
        .zip(items)
        .map(|(position, item)| NewImportItem { position, ..item })
        .collect()
}

/// The documents of the manifest whose bytes are there; their entries are taken out of `files`.
fn described(
    files: &mut [Option<Listed>],
    documents: Vec<ManifestDocument>,
) -> Vec<(usize, NewImportItem)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    for (place, file) in files.iter_mut().enumerate() {
        match file {
            Some(entry) if entry.path == MANIFEST => *file = None,
            Some(entry) if entry.problem.is_none() => {
                places.insert(entry.path.clone(), place);
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for document in documents {
        if let Some(place) = places.get(&document.path).copied() {
            let item = described_item(files, &mut places, document);
            found.push((place, item));
        }
    }
    found
}

fn described_item(
    files: &mut [Option<Listed>],
    places: &mut HashMap<String, usize>,
    mut document: ManifestDocument,
) -> NewImportItem {
    document.versions.sort_by_key(|version| version.number);
    let mut sources: Vec<(String, Option<String>, String)> = document
        .versions
        .into_iter()
        .filter(|version| version.path != document.path)
        .map(|version| (version.path, version.declared_type, version.sha256))
        .collect();
    // What readers got comes last: they get the highest number.
    sources.push((document.path, document.declared_type, document.sha256));
    let mut contents = Vec::new();
    let mut failure = None;
    for (path, declared_type, sha256) in sources {
        let file = places.remove(&path).and_then(|place| files[place].take());
        match file {
            Some(file) => contents.push(content(&file.extent, declared_type, Some(sha256))),
            None => failure = Some(ItemCode::BrokenEntry),
        }
    }
    if document.name.parse::<DocumentName>().is_err() {
        failure = Some(ItemCode::UnsafeName);
    }
    let metadata = match document.metadata {
        Value::Null => Value::Object(serde_json::Map::new()),
        metadata => metadata,
    };
    if Metadata::try_from(metadata.clone()).is_err() {
        failure = Some(ItemCode::Invalid);
    }
    NewImportItem {
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
    }
}

/// A file that the manifest doesn't know.
fn plain(file: &Listed) -> NewImportItem {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let code = match file.problem {
        Some(problem) => Some(code_of(problem)),
        None if name.parse::<DocumentName>().is_err() => Some(ItemCode::UnsafeName),
        None => None,
    };
    NewImportItem {
        position: 0,
        name: shown(if code.is_some() { &file.path } else { name }),
        entry: match code {
            Some(code) => Err(code),
            None => Ok(ImportEntry {
                contents: vec![content(&file.extent, None, None)],
                is_described: false,
                metadata: Value::Object(serde_json::Map::new()),
            }),
        },
    }
}

/// A path as it can be shown, and kept.
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
        declared_type,
        sha256,
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
