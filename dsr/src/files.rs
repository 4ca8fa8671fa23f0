//! The files that are uploaded: those that are named, and all below the folders that are.

use std::collections::VecDeque;
use std::fs;
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

/// Finds the files. Links within folders aren't followed.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let whole = fs::canonicalize(path).map_err(Failure::file(path))?;
        if whole.is_dir() {
            walk(&whole, &mut found)?;
        } else {
            // A link is called as it is named, not as what it leads to.
            let name = path.file_name().unwrap_or(whole.as_os_str());
            let name = name.to_string_lossy().into_owned();
            found.push(of(whole.clone(), name.clone(), name)?);
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found.dedup_by(|one, other| one.path == other.path);
    Ok(found)
}

fn walk(root: &Path, found: &mut Vec<Found>) -> Result<(), Failure> {
    let mut folders = VecDeque::from([root.to_owned()]);
    while let Some(folder) = folders.pop_front() {
        for entry in fs::read_dir(&folder).map_err(Failure::file(&folder))? {
            let entry = entry.map_err(Failure::file(&folder))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(Failure::file(&path))?;
            if kind.is_dir() {
                folders.push_back(path);
            } else if kind.is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let below = path.strip_prefix(root).unwrap_or(&path);
                let below = below.to_string_lossy().replace('\\', "/");
                found.push(of(path, name, below)?);
            }
        }
    }
    Ok(())
}

fn of(path: PathBuf, name: String, below: String) -> Result<Found, Failure> {
    let metadata = fs::metadata(&path).map_err(Failure::file(&path))?;
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
