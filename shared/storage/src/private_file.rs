//! Private small files, such as keys: created completely, durably and readable only by their owner,
//! or not at all. Never replaces a file unless told to.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// The result of creating a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was created.
    New,
    /// The name existed already, and was left untouched.
    Present,
}

/// Creates the file at `path` with `content` unless the name exists. Of concurrent processes one
/// creates it; a partial file is never visible.
pub fn make(path: &Path, content: &[u8]) -> io::Result<Made> {
    let aside = write_aside(path, content)?;
    let made = match fs::hard_link(&aside, path) {
        Ok(()) => Ok(Made::New),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Made::Present),
        // On a file system without links, reserve the name first.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) =>
        {
            reserve_and_rename(&aside, path)
        }
        Err(error) => Err(error),
    };
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return made.and(Err(error)),
        _ => {}
    }
    let made = made?;
    sync_folder_of(path)?;
    Ok(made)
}

/// Creates or replaces the file at `path` with `content`.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let aside = write_aside(path, content)?;
    if let Err(error) = fs::rename(&aside, path) {
        drop(fs::remove_file(&aside));
        return Err(error);
    }
    sync_folder_of(path)
}

/// Returns whether a mode grants access only to the owner.
#[must_use]
pub const fn is_private(mode: u32) -> bool {
    mode & 0o777 == mode & 0o700
}

/// Removes all permissions of others from the file at `path`. Refuses anything but a regular file
/// ([`ErrorKind::InvalidInput`]).
pub fn make_private(path: &Path) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    if is_private(metadata.permissions().mode()) {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(0o600))
}

fn reserve_and_rename(aside: &Path, path: &Path) -> io::Result<Made> {
    match new_file(path) {
        Ok(_) => fs::rename(aside, path).map(|()| Made::New),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Made::Present),
        Err(error) => Err(error),
    }
}

/// Writes `content` durably to a temporary file in the same folder.
fn write_aside(path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let name = format!(".{}.{}", name.to_string_lossy(), Uuid::new_v4().simple());
    let aside = path.with_file_name(name);
    let mut file = new_file(&aside)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if let Err(error) = written {
        drop(fs::remove_file(&aside));
        return Err(error);
    }
    Ok(aside)
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        assert_eq!(make(&path, b"one").unwrap(), Made::New);
        assert_eq!(make(&path, b"two").unwrap(), Made::Present);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        replace(&path, b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        symlink(folder.path().join("nowhere"), &path).unwrap();
        assert_eq!(make(&path, b"one").unwrap(), Made::Present);
        assert!(!folder.path().join("nowhere").exists());
        let other = folder.path().join("b.key");
        fs::create_dir(&other).unwrap();
        assert_eq!(make(&other, b"one").unwrap(), Made::Present);
        replace(&other, b"one").unwrap_err();
        let mode = || fs::metadata(&other).unwrap().permissions().mode();
        let before = mode();
        make_private(&other).unwrap_err();
        assert_eq!(mode(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn without_links_a_name_is_reserved_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        for (content, made) in [("one", Made::New), ("two", Made::Present)] {
            let aside = write_aside(&path, content.as_bytes()).unwrap();
            assert_eq!(reserve_and_rename(&aside, &path).unwrap(), made);
        }
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }
}
