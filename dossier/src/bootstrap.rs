//! The first admin's API key: set by the operator, or generated once and written to a file.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use domain::{KeySecret, Timestamp};
use ledger::{Database, ensure_bootstrap_key};
use settings::{BootstrapKey, Resolved, read_small_file};
use storage::private_file::{self, Made};
use tracing::warn;

use crate::data_folder;

/// Installs the bootstrap key. Returns the path of its file if the operator set none.
pub async fn ensure(
    resolved: &Resolved,
    db: &Database,
    now: Timestamp,
) -> anyhow::Result<Option<PathBuf>> {
    let (key, file) = if let Some(key) = &resolved.settings.bootstrap_key {
        (key.clone(), None)
    } else {
        data_folder::make(resolved)?;
        let file = resolved.data_dir.join("admin.key");
        let key = read_or_make(&file);
        let key = key.with_context(|| format!("the admin's key in {}", file.display()))?;
        (key, Some(file))
    };
    ensure_bootstrap_key(db, key.hash(), now)
        .await
        .context("DOSSIER_BOOTSTRAP_KEY: failed to install the admin's key")?;
    Ok(file)
}

/// An unreadable key file is never replaced: the key may be in use.
fn read_or_make(file: &Path) -> anyhow::Result<BootstrapKey> {
    if let Some(key) = read(file)? {
        return Ok(key);
    }
    let key = KeySecret::generate();
    let key = key.as_str();
    match private_file::make(file, format!("{key}\n").as_bytes())? {
        Made::New => key.parse().map_err(anyhow::Error::msg),
        // Another process was faster.
        Made::Present => match read(file)? {
            Some(key) => Ok(key),
            None => bail!("is a dangling link"),
        },
    }
}

/// Returns the key in `file`; `None` if the file doesn't exist.
fn read(file: &Path) -> anyhow::Result<Option<BootstrapKey>> {
    let text = match read_small_file(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.context("can't be read")?,
    };
    let text = String::from_utf8(text).context("can't be read")?;
    let key = text.trim().parse().map_err(anyhow::Error::msg);
    let key = key.context("can't be used")?;
    // Remove the permissions of others. The file may belong to another user.
    if let Err(error) = private_file::make_private(file) {
        warn!(file = %file.display(), %error, "the file of the admin's key is readable by others");
    }
    Ok(Some(key))
}
