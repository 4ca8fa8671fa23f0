//! Lists a place in the order of its keys, folder by folder, holding only the names of the current
//! folders in memory.

use std::fs;
use std::io;
use std::path::PathBuf;

use url::Url;

use super::outcome::{stat_of, unless_missing};
use crate::Entry;
use crate::key::{is_folder, is_key, url_of};

/// The objects listed by one blocking call.
const BATCH: usize = 512;

/// A listing in progress.
#[derive(Debug)]
pub(super) struct Walk {
    root: PathBuf,
    place: Url,
    after: String,
    /// The remaining keys of each folder down to the current one, the next one last. Those of
    /// folders end with a slash, which is also how they sort.
    levels: Vec<Vec<String>>,
}

impl Walk {
    /// Lists the keys of `place` at `root` that sort after `after`.
    pub(super) fn new(root: PathBuf, place: Url, after: String) -> Self {
        Self {
            root,
            place,
            after,
            // The root is the folder with the empty key.
            levels: vec![vec![String::new()]],
        }
    }

    /// Returns the next objects; empty at the end.
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

    /// Returns the keys in a folder that can lead past `after`, the first one last.
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
            // Don't follow links to folders: their content lies elsewhere.
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
