//! The files that are uploaded: those that are named, and all below the folders that are.

use std::collections::VecDeque;
use std::fs::{self, ReadDir};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::failure::Failure;

/// A file to upload.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its absolute path.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Its path below the folder that was named, with `/`.
    pub below: String,
    /// Its size.
    pub size: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub modified: u128,
}

/// What was found below the paths that were named.
#[derive(Debug, Default)]
pub struct Finding {
    /// The files to upload.
    pub files: Vec<Found>,
    /// What can't be read, and why.
    pub unreadable: Vec<(PathBuf, Failure)>,
}

/// Finds the files. Links within folders aren't followed. What can't be read keeps nobody from the rest.
pub fn find(paths: &[PathBuf]) -> Finding {
    let mut finding = Finding::default();
    for path in paths {
        match fs::canonicalize(path) {
            Ok(whole) if whole.is_dir() => finding.walk(&whole),
            Ok(whole) => {
                // A link is called as it is named, not as what it leads to.
                let name = path.file_name().unwrap_or(whole.as_os_str());
                let name = name.to_string_lossy().into_owned();
                finding.add(&whole, name.clone(), name);
            }
            Err(error) => finding.lacks(path, error),
        }
    }
    let files = &mut finding.files;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files.dedup_by(|one, other| one.path == other.path);
    finding
}

impl Finding {
    fn walk(&mut self, root: &Path) {
        let mut folders = VecDeque::from([root.to_owned()]);
        while let Some(folder) = folders.pop_front() {
            match fs::read_dir(&folder) {
                Ok(entries) => folders.extend(self.read(root, &folder, entries)),
                Err(error) => self.lacks(&folder, error),
            }
        }
    }

    /// Adds the files of a folder, and returns the folders in it.
    fn read(&mut self, root: &Path, folder: &Path, entries: ReadDir) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.lacks(folder, error);
                    break;
                }
            };
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() => {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    let below = path.strip_prefix(root).unwrap_or(&path);
                    let below = below.to_string_lossy().replace('\\', "/");
                    self.add(&path, name, below);
                }
                Ok(_) => {}
                Err(error) => self.lacks(&path, error),
            }
        }
        folders
    }

    fn add(&mut self, path: &Path, name: String, below: String) {
        match of(path.to_owned(), name, below) {
            Ok(file) => self.files.push(file),
            Err(error) => self.lacks(path, error),
        }
    }

    fn lacks(&mut self, path: &Path, error: io::Error) {
        let failure = Failure::file(path)(error);
        self.unreadable.push((path.to_owned(), failure));
    }
}

fn of(path: PathBuf, name: String, below: String) -> io::Result<Found> {
    let metadata = fs::metadata(&path)?;
    let modified = metadata.modified().ok();
    let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(Found {
        size: metadata.len(),
        modified: modified.unwrap_or_default().as_nanos(),
        path,
        name,
        below,
    })
}
