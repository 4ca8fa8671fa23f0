//! `dossier backup`: copies an embedded service, its SQLite database and its files, while it runs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use domain::{AuditKind, Clock as _, SystemClock};
use ledger::{Database, DatabaseUrl, copy_sqlite, pause_queue, queue_pause, resume_queue};
use queue::Queue;
use settings::Resolved;
use storage::StorageUrl;
use tokio::fs;

use super::copied_folder::{Copied, copy_file, copy_folder};
use super::operator_log::logged;
use super::queue::event;
use crate::{cli, resources, shutdown};

/// The name of the database in a backup that is complete.
const DATABASE: &str = "dossier.sqlite";

/// The first admin's key, in the data folder.
const ADMIN_KEY: &str = "admin.key";

pub async fn run(resolved: &Resolved, options: &cli::Backup) -> anyhow::Result<()> {
    if matches!(resolved.database_url, DatabaseUrl::Postgres(_)) {
        bail!(
            "DOSSIER_DATABASE_URL: {} is backed up by `pg_dump`",
            resolved.database_url
        );
    }
    let folders = if options.database_only {
        Vec::new()
    } else {
        local_folders(resolved)?
    };
    let backup = std::path::absolute(&options.folder).context("the folder has no path")?;
    if let Some((_, around)) = folders.iter().find(|(_, from)| backup.starts_with(from)) {
        bail!("{} lies within {}", backup.display(), around.display());
    }
    let stop = shutdown::on_signal()?;
    let db = resources::ledger(resolved).await?;
    make_empty(&backup).await?;
    // Nothing that the copy of the database names is removed while the files are copied.
    let was_paused = queue_pause(&db, Queue::Maintenance).await?.is_paused;
    if !was_paused {
        let on = logged(&db, event(AuditKind::QueuePaused));
        pause_queue(&on, Queue::Maintenance, SystemClock.now()).await?;
    }
    let copied = tokio::select! {
        copied = copy(&db, resolved, &folders, &backup, options.previous.as_deref()) => copied,
        () = stop.cancelled() => Err(anyhow!("stopped; {} is incomplete", backup.display())),
    };
    if !was_paused {
        let on = logged(&db, event(AuditKind::QueueResumed));
        resume_queue(&on, Queue::Maintenance, SystemClock.now()).await?;
    }
    let Copied { files, linked } = copied?;
    println!("{files} files are in {}", backup.display());
    if linked > 0 {
        println!("{linked} of them are links to the former backup");
    }
    db.close().await.context("failed to close the database")
}

/// Copies the database, then the files: those of staging first, since uploads move from there to the
/// store.
async fn copy(
    db: &Database,
    resolved: &Resolved,
    folders: &[(String, PathBuf)],
    backup: &Path,
    previous: Option<&Path>,
) -> anyhow::Result<Copied> {
    let database = backup.join(format!("{DATABASE}.part"));
    let named = || format!("{} can't be written", database.display());
    let path = database.to_str().context("the folder's name isn't UTF-8")?;
    copy_sqlite(db, path).await.with_context(named)?;
    let mut copied = Copied {
        files: 1,
        linked: 0,
    };
    if !folders.is_empty() {
        let key = resolved.data_dir.join(ADMIN_KEY);
        copied += copy_file(&key, &backup.join(ADMIN_KEY), None).await?;
    }
    for (name, from) in folders {
        let former = previous.map(|previous| previous.join(name));
        copied += copy_folder(from, &backup.join(name), former.as_deref()).await?;
    }
    sync_all(backup).await?;
    fs::rename(&database, backup.join(DATABASE)).await?;
    sync_all(backup).await?;
    Ok(copied)
}

/// Returns the folder of each place, and its name in a backup.
fn local_folders(resolved: &Resolved) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let folder = |name: String, url: &StorageUrl| -> anyhow::Result<_> {
        match url.place().to_file_path() {
            Ok(path) if !url.is_object_store() => Ok((name, path)),
            _ => bail!(
                "{} isn't a folder: pause `maintenance`, copy the database by --database-only, then \
                 the storage by its own means",
                url.place()
            ),
        }
    };
    let own = [
        ("staging", &resolved.staging_url),
        ("storage", &resolved.storage_url),
    ];
    let own = own.map(|(name, url)| (name.to_owned(), url));
    let more = resolved.more_storage_urls.iter().enumerate();
    let more = more.map(|(index, url)| (format!("more-{}", index + 1), url));
    own.into_iter()
        .chain(more)
        .map(|(name, url)| folder(name, url))
        .collect()
}

async fn make_empty(folder: &Path) -> anyhow::Result<()> {
    let named = || format!("{} can't be made", folder.display());
    fs::create_dir_all(folder).await.with_context(named)?;
    let mut entries = fs::read_dir(folder).await.with_context(named)?;
    if entries.next_entry().await.with_context(named)?.is_some() {
        bail!("{} isn't empty", folder.display());
    }
    Ok(())
}

/// Waits until everything on the file system of `folder` is on the disk: much faster than file by
/// file.
async fn sync_all(folder: &Path) -> anyhow::Result<()> {
    let folder = folder.to_owned();
    let sync = move || -> std::io::Result<()> {
        rustix::fs::syncfs(std::fs::File::open(folder)?)?;
        Ok(())
    };
    let synced = tokio::task::spawn_blocking(sync).await?;
    synced.context("the backup can't be synced")
}
