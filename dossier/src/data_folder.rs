//! The data folder: private to the service's user, and locked by one `serve` at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use ledger::DatabaseUrl;
use settings::Resolved;
use storage::private_file;
use tracing::warn;

/// The lock file in the data folder.
const LOCK: &str = "dossier.lock";

/// The suffixes of files that SQLite keeps beside its database.
const SQLITE_FILES: [&str; 3] = ["", "-wal", "-shm"];

/// Makes files created by this process, including its libraries, private to its user.
pub fn keep_files_private() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Creates the data folder, which holds keys and documents, if it is missing. Makes an empty one
/// private as well; the mode of one in use is the operator's choice.
pub fn make(resolved: &Resolved) -> anyhow::Result<()> {
    let folder = &resolved.data_dir;
    make_private(folder).with_context(|| format!("DOSSIER_DATA_DIR: {}", folder.display()))
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mode = fs::metadata(folder)?.permissions().mode();
    if private_file::is_private(mode) {
        return Ok(());
    }
    if fs::read_dir(folder)?.next().is_none() {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    } else if mode & 0o022 != 0 {
        warn!(folder = %folder.display(), "the data folder is writable by others");
    }
    Ok(())
}

/// Makes the SQLite file of an earlier release private: it holds metadata.
pub fn make_database_private(database: &Path) {
    for suffix in SQLITE_FILES {
        let mut file = database.as_os_str().to_owned();
        file.push(suffix);
        let file = Path::new(&file);
        match private_file::make_private(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                warn!(file = %file.display(), %error, "the database file is readable by others");
            }
            _ => {}
        }
    }
}

/// The locks that a `serve` holds. The system releases them when the process ends.
#[derive(Debug, Default)]
pub struct Held {
    _locks: Vec<File>,
}

/// Locks the data folder and the SQLite file, which are for one `serve` only. A shared database is
/// not locked.
pub fn hold(resolved: &Resolved) -> anyhow::Result<Held> {
    let DatabaseUrl::Sqlite(database) = &resolved.database_url else {
        return Ok(Held::default());
    };
    make(resolved)?;
    let folder = &resolved.data_dir;
    let locks = [
        lock(&folder.join(LOCK)).with_context(|| format!("DOSSIER_DATA_DIR: {}", folder.display())),
        // The file may lie elsewhere and be configured for another `serve` as well.
        lock(&beside(database))
            .with_context(|| format!("DOSSIER_DATABASE_URL: {}", resolved.database_url)),
    ];
    Ok(Held {
        _locks: locks.into_iter().collect::<Result<_, _>>()?,
    })
}

/// Returns the lock file of an SQLite file, following links.
fn beside(database: &Path) -> PathBuf {
    let found = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let mut lock = found.into_os_string();
    lock.push(".lock");
    lock.into()
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} can't be opened", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("is in use by another `dossier serve`"),
        // Some network file systems have no locks; running without one is better than not running.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
            warn!(file = %path.display(), %error, "locks are not supported here; make sure that only one `dossier serve` uses it");
            Ok(file)
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} can't be locked", path.display()))
        }
    }
}
