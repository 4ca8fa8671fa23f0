//! The data folder: private to the user that the service runs as, and held by one `serve` at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use ledger::DatabaseUrl;
use settings::Resolved;
use storage::private_file;
use tracing::warn;

/// The file in the data folder that says by its lock that a `serve` holds the folder.
const LOCK: &str = "dossier.lock";

/// What the writer of an SQLite file keeps beside it.
const SQLITE_FILES: [&str; 3] = ["", "-wal", "-shm"];

/// Whatever this process makes from now on, libraries included, is for its user alone.
pub fn keep_files_private() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Makes the data folder, which holds keys and documents, if it is missing. An empty one is taken
/// as if it had been made here; what an operator does with one that is in use is theirs.
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
        warn!(folder = %folder.display(), "others may write into the data folder");
    }
    Ok(())
}

/// An SQLite file of a former release may be readable by others: it holds what documents are about.
pub fn make_database_private(database: &Path) {
    for suffix in SQLITE_FILES {
        let mut file = database.as_os_str().to_owned();
        file.push(suffix);
        let file = Path::new(&file);
        match private_file::make_private(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                warn!(file = %file.display(), %error, "others may read the database");
            }
            _ => {}
        }
    }
}

/// What a `serve` holds for as long as it lives. The locks die with the process, however it ends.
#[derive(Debug, Default)]
pub struct Held {
    _locks: Vec<File>,
}

/// Holds the data folder and the SQLite file, which are for one `serve` alone. A database that
/// processes share is not held.
pub fn hold(resolved: &Resolved) -> anyhow::Result<Held> {
    let DatabaseUrl::Sqlite(database) = &resolved.database_url else {
        return Ok(Held::default());
    };
    make(resolved)?;
    let folder = &resolved.data_dir;
    let locks = [
        lock(&folder.join(LOCK)).with_context(|| format!("DOSSIER_DATA_DIR: {}", folder.display())),
        // It may lie elsewhere, and be named by others as well.
        lock(&beside(database))
            .with_context(|| format!("DOSSIER_DATABASE_URL: {}", resolved.database_url)),
    ];
    Ok(Held {
        _locks: locks.into_iter().collect::<Result<_, _>>()?,
    })
}

/// The lock of an SQLite file, by whatever name that is known.
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
        // Some network file systems have none: a service without is better than no service.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
            warn!(file = %path.display(), %error, "nothing keeps a second `dossier serve` away");
            Ok(file)
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} can't be locked", path.display()))
        }
    }
}
