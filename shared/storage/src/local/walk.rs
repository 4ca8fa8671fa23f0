//! Listing a place in the order of its keys, folder by folder: no more than the names of the
//! folders on the way are held in memory.

use std::fs;
use std::io;
use std::path::PathBuf;

use url::Url;

use super::outcome::{stat_of, unless_missing};
use crate::Entry;
use crate::key::{is_folder, is_key, url_of};

/// How many objects one blocking call looks at.
const BATCH: usize = 512;

/// A listing on its way through the folders.
#[derive(Debug)]
pub(super) struct Walk {
    root: PathBuf,
    place: Url,
    after: String,
    /// The keys still to be seen in each folder down to the present one, the next one last.
    /// Those of folders end with a slash, which is also how they sort among the others.
    levels: Vec<Vec<String>>,
}

impl Walk {
    /// A listing of `place`, which lies at `root`, of the keys behind `after`.
    pub(super) fn new(root: PathBuf, place: Url, after: String) -> Self {
        Self {
            root,
            place,
            after,
            // The root is the one folder whose key is empty.
            levels: vec![vec![String::new()]],
        }
    }

    /// The next objects; none at the end.
    pub(super) fn next_batch(&mut self) -> io::Result<Vec<Entry>> {
        let mut batch = Vec::new();
        while let Some(level) = self.levels.last_mut() {
            let Some(key) = level.pop() else {
                self.levels.pop();
                continue;
            };
            if key.is_empty() || key.ends_with('/') {
                let below = self.read_folder(&key)?;
                self.levels.push(below);
                continue;
            }
            let metadata = unless_missing(fs::symlink_metadata(self.root.join(&key)))?;
            let stat = metadata.as_ref().map(stat_of).transpose()?.flatten();
            if let Some(stat) = stat {
                let url = url_of(&self.place, &key);
                batch.push(Entry { url, stat });
            }
            if batch.len() == BATCH {
                break;
            }
        }
        Ok(batch)
    }

    /// The keys in a folder that can lead behind `after`, the first one last.
    fn read_folder(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut keys = Vec::new();
        let Some(entries) = unless_missing(fs::read_dir(self.root.join(folder)))? else {
            return Ok(keys);
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                continue;
            };
            // A link to a folder is none: what lies behind it lies elsewhere.
            let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
            let is_ours = if folder.is_empty() {
                !slash.is_empty() && is_folder(name)
            } else {
                slash.is_empty() && is_key(&format!("{folder}{name}"))
            };
            if !is_ours {
                continue;
            }
            let key = format!("{folder}{name}{slash}");
            let leads_on = !slash.is_empty() && self.after.starts_with(&key);
            if leads_on || key > self.after {
                keys.push(key);
            }
        }
        keys.sort_unstable_by(|one, other| other.cmp(one));
        Ok(keys)
    }
}
