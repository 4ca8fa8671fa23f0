//! The first admin's API key: given by the operator, or made once and written to a file.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use shared::db::{Database, ensure_bootstrap_key};
use shared::domain::Timestamp;
use shared::settings::{BootstrapKey, Resolved};

use crate::resources::make_data_folder;

/// Puts the bootstrap key in force, and says in which file it lies if the operator gave none.
pub async fn ensure(
    resolved: &Resolved,
    db: &Database,
    now: Timestamp,
) -> anyhow::Result<Option<PathBuf>> {
    let (key, file) = if let Some(key) = &resolved.settings.bootstrap_key {
        (key.clone(), None)
    } else {
        make_data_folder(resolved)?;
        let file = resolved.data_dir.join("admin.key");
        let key = read_or_make(&file);
        let key = key.with_context(|| format!("the admin's key in {}", file.display()))?;
        (key, Some(file))
    };
    ensure_bootstrap_key(db, key.hash(), now)
        .await
        .context("the admin's key could not be put in force")?;
    Ok(file)
}

fn read_or_make(file: &Path) -> anyhow::Result<BootstrapKey> {
    let known = std::fs::read_to_string(file);
    if let Ok(text) = known {
        return text.trim().parse().map_err(anyhow::Error::msg);
    }
    let key = super::commands::generate_key();
    // Written aside and renamed: a crash leaves no half a key.
    let aside = file.with_extension("key.new");
    let mut handle = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)?;
    writeln!(handle, "{key}")?;
    handle.sync_all()?;
    std::fs::rename(&aside, file)?;
    key.parse().map_err(anyhow::Error::msg)
}
