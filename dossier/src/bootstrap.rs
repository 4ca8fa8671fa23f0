//! The first admin's API key: given by the operator, or made once and written to a file.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use domain::Timestamp;
use ledger::{Database, ensure_bootstrap_key};
use settings::{BootstrapKey, Resolved, read_small_file};
use storage::private_file::{self, Made};
use tracing::warn;

use crate::{api_key, data_folder};

/// Puts the bootstrap key in force, and says in which file it lies if the operator gave none.
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
        .context("DOSSIER_BOOTSTRAP_KEY: the admin's key could not be put in force")?;
    Ok(file)
}

/// A key that is there but can't be read is never replaced: it may be in use.
fn read_or_make(file: &Path) -> anyhow::Result<BootstrapKey> {
    if let Some(key) = read(file)? {
        return Ok(key);
    }
    let key = api_key::generate();
    match private_file::make(file, format!("{key}\n").as_bytes())? {
        Made::New => key.parse().map_err(anyhow::Error::msg),
        // Another process was faster.
        Made::Present => match read(file)? {
            Some(key) => Ok(key),
            None => bail!("is a link that leads nowhere"),
        },
    }
}

/// The key in `file`; `None` if there is no such file.
fn read(file: &Path) -> anyhow::Result<Option<BootstrapKey>> {
    let text = match read_small_file(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.context("can't be read")?,
    };
    let text = String::from_utf8(text).context("can't be read")?;
    let key = text.trim().parse().map_err(anyhow::Error::msg);
    let key = key.context("can't be used")?;
    // A key that others can read is no secret. The file may be somebody else's to change.
    if let Err(error) = private_file::make_private(file) {
        warn!(file = %file.display(), %error, "others may read the admin's key");
    }
    Ok(Some(key))
}
