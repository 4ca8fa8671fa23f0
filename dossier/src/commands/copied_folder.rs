//! Copies a folder in which files come and go. Files that are kept never change; those that vanish
//! meanwhile are left out.

use std::io::{self, ErrorKind};
use std::ops::AddAssign;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::fs;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// The number of files.
    pub files: u64,
    /// How many of them became hard links to a former copy.
    pub linked: u64,
}

impl AddAssign for Copied {
    fn add_assign(&mut self, more: Self) {
        self.files += more.files;
        self.linked += more.linked;
    }
}

/// Copies the files and folders in `from`, which may be missing, to the new folder `to`. Files that
/// are the same in `former`, an earlier copy, become hard links to it.
pub async fn copy_folder(from: &Path, to: &Path, former: Option<&Path>) -> anyhow::Result<Copied> {
    let mut copied = Copied::default();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        fs::create_dir(to.join(&folder)).await?;
        let read = fs::read_dir(from.join(&folder)).await;
        let Some(mut entries) = unless_gone(read)? else {
            continue;
        };
        while let Some(entry) = entries.next_entry().await? {
            let path = folder.join(entry.file_name());
            let Some(kind) = unless_gone(entry.file_type().await)? else {
                continue;
            };
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let former = former.map(|former| former.join(&path));
                copied += copy_file(&from.join(&path), &to.join(&path), former.as_deref()).await?;
            }
        }
    }
    Ok(copied)
}

/// Copies a file, unless it is gone.
pub async fn copy_file(from: &Path, to: &Path, former: Option<&Path>) -> anyhow::Result<Copied> {
    let mut copied = Copied {
        files: 1,
        linked: 0,
    };
    if let Some(former) = former
        && is_same(from, former).await.unwrap_or(false)
        && fs::hard_link(former, to).await.is_ok()
    {
        copied.linked = 1;
        return Ok(copied);
    }
    let done = fs::copy(from, to).await;
    let named = || format!("{} can't be copied to {}", from.display(), to.display());
    Ok(match unless_gone(done).with_context(named)? {
        Some(_) => copied,
        None => Copied::default(),
    })
}

/// Whether a file has the length of its former copy, and wasn't written since.
async fn is_same(file: &Path, former: &Path) -> io::Result<bool> {
    let (file, former) = (fs::metadata(file).await?, fs::metadata(former).await?);
    Ok(file.len() == former.len() && file.modified()? <= former.modified()?)
}

fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
