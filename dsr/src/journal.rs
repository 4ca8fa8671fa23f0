//! What is known of an upload command, so that the same command goes on after an interruption: which
//! files have become documents, and which resumable uploads have begun. It is removed when the command
//! has succeeded.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use client::Uuid;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;
use crate::files::Found;
use crate::json::read_json;

/// How long a journal is of use: longer than a service keeps unfinished uploads.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// The journal of one command.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Option<Mutex<File>>,
    run: String,
    known: HashMap<String, Known>,
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// It has become this document.
    Document(Uuid),
    /// It is being uploaded as this resumable upload.
    Upload(Uuid),
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Run(String),
    File(String, Known),
}

impl Journal {
    /// Opens the journal of the command with this identity; an empty one if it is to be forgotten.
    pub fn open(folder: &Path, identity: &str, forget: bool) -> Result<Self, Failure> {
        let path = folder.join(format!("{}.jsonl", digest(&[identity])));
        let opened = Self::read(folder, &path, forget);
        opened.map_err(|error| match error {
            TryLockError::WouldBlock => Failure::InPart(
                "the same files are being uploaded by another dsr; wait for it".to_owned(),
            ),
            TryLockError::Error(error) => Failure::file(&path)(error),
        })
    }

    /// A journal that keeps nothing, for those who can't write one.
    pub fn nowhere() -> Self {
        Self {
            path: PathBuf::new(),
            file: None,
            run: Uuid::new_v4().to_string(),
            known: HashMap::new(),
        }
    }

    fn read(folder: &Path, path: &Path, forget: bool) -> Result<Self, TryLockError> {
        fs::create_dir_all(folder).map_err(TryLockError::Error)?;
        remove_old(folder);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(TryLockError::Error)?;
        file.try_lock()?;
        let mut text = String::new();
        let read = if forget {
            file.set_len(0)
        } else {
            file.read_to_string(&mut text).map(drop)
        };
        read.map_err(TryLockError::Error)?;
        let mut journal = Self {
            path: path.to_owned(),
            file: Some(Mutex::new(file)),
            run: String::new(),
            known: HashMap::new(),
        };
        // The last line may have been cut off.
        for line in text
            .lines()
            .filter_map(|line| read_json::<Line>(line.as_bytes()).ok())
        {
            match line {
                Line::Run(run) => journal.run = run,
                Line::File(file, known) => drop(journal.known.insert(file, known)),
            }
        }
        if journal.run.is_empty() {
            journal.run = Uuid::new_v4().to_string();
            let begin = journal.write(&Line::Run(journal.run.clone()));
            begin.map_err(TryLockError::Error)?;
        }
        Ok(journal)
    }

    /// Whether an earlier run was interrupted.
    pub fn goes_on(&self) -> bool {
        !self.known.is_empty()
    }

    /// What is known of a file as it is now.
    pub fn known(&self, file: &Found) -> Option<Known> {
        self.known.get(&id_of(file)).copied()
    }

    /// The key that makes sure that a file becomes one document, even if the process dies before it is
    /// noted here.
    pub fn idempotency_key(&self, file: &Found) -> String {
        digest(&[&self.run, &id_of(file)])
    }

    /// Notes something about a file.
    pub fn note(&self, file: &Found, known: Known) -> Result<(), Failure> {
        let noted = self.write(&Line::File(id_of(file), known));
        noted.map_err(Failure::file(&self.path))
    }

    /// Removes the journal: there is nothing to go on with.
    pub fn end(&self) -> Result<(), Failure> {
        match self.file {
            Some(_) => fs::remove_file(&self.path).map_err(Failure::file(&self.path)),
            None => Ok(()),
        }
    }

    fn write(&self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        // A line that was cut off stays a line of its own.
        text.insert(0, '\n');
        text.push('\n');
        let Some(file) = &self.file else {
            return Ok(());
        };
        match file.lock() {
            Ok(mut file) => file.write_all(text.as_bytes()),
            Err(_) => Err(io::ErrorKind::Other.into()),
        }
    }
}

/// A file as it is now: changed, it is another.
fn id_of(file: &Found) -> String {
    let path = file.path.to_string_lossy();
    digest(&[&path, &file.size.to_string(), &file.modified.to_string()])
}

/// Removes the journals of commands that were never given again.
fn remove_old(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let metadata = entry.metadata().and_then(|metadata| metadata.modified());
        let age = metadata.ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > KEPT) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64) -> Found {
        Found {
            path: "/somewhere/a.txt".into(),
            name: "a.txt".to_owned(),
            below: "a.txt".to_owned(),
            size,
            modified: 1,
        }
    }

    #[test]
    fn what_was_noted_is_known_to_the_same_command_until_it_has_succeeded() {
        let folder = tempfile::tempdir().unwrap();
        let id = Uuid::new_v4();
        let journal = Journal::open(folder.path(), "put a.txt", false).unwrap();
        assert!(!journal.goes_on());
        let key = journal.idempotency_key(&file(1));
        journal.note(&file(1), Known::Upload(id)).unwrap();
        journal.note(&file(1), Known::Document(id)).unwrap();
        Journal::open(folder.path(), "put a.txt", false).unwrap_err();
        drop(journal);
        let journal = Journal::open(folder.path(), "put a.txt", false).unwrap();
        assert_eq!(journal.known(&file(1)), Some(Known::Document(id)));
        assert_eq!(journal.known(&file(2)), None);
        assert_eq!(journal.idempotency_key(&file(1)), key);
        let other = Journal::open(folder.path(), "put b.txt", false).unwrap();
        assert_eq!(other.known(&file(1)), None);
        journal.end().unwrap();
        let journal = Journal::open(folder.path(), "put a.txt", false).unwrap();
        assert!(!journal.goes_on());
        assert_ne!(journal.idempotency_key(&file(1)), key);
    }

    #[test]
    fn a_line_that_was_cut_off_harms_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), "put", false).unwrap();
        let id = Uuid::new_v4();
        let kept = journal.file.as_ref().unwrap();
        kept.lock().unwrap().write_all(b"{\"file\":[\"x").unwrap();
        journal.note(&file(1), Known::Document(id)).unwrap();
        drop(journal);
        let journal = Journal::open(folder.path(), "put", false).unwrap();
        assert_eq!(journal.known(&file(1)), Some(Known::Document(id)));
        drop(journal);
        let journal = Journal::open(folder.path(), "put", true).unwrap();
        assert!(!journal.goes_on());
    }
}
