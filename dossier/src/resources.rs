//! Connects the resources of a process: database, storage, queue.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use domain::{Clock, Limits};
use ledger::ownership::Ownership;
use ledger::{Database, DatabaseClock, DatabaseUrl};
use queue::{Feed, Hearing, InProcessFeed, PostgresFeed, QueueUrl, RedisFeed};
use settings::{InvalidSettings, Resolved};
use storage::{FreeSpace, StorageError, StorageRouter};
use telemetry::{Meters, Watched};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use crate::data_folder;

/// How long a start waits to verify the marks of the places.
const PATIENCE: Duration = Duration::from_secs(10);

/// Database, storage, queue and clock of this process.
pub struct Resources {
    pub db: Database,
    pub places: StorageRouter,
    pub ownership: Ownership,
    pub feed: Arc<dyn Feed>,
    pub clock: Arc<dyn Clock>,
    pub limits: Arc<Limits>,
    pub meters: Meters,
    _watching: AbortOnDropHandle<()>,
}

impl Resources {
    pub async fn connect(resolved: &Resolved) -> anyhow::Result<Self> {
        let meters = Meters::default();
        let min_free = resolved.settings.disk.min_free_bytes;
        let free_space = FreeSpace::of(resolved.watched_folders(), min_free);
        let places =
            Watched::places(&places(resolved).await?, &meters).watching(free_space.clone());
        let watching = AbortOnDropHandle::new(tokio::spawn({
            let meters = meters.clone();
            free_space.watch(move |reading| meters.sees_disk(reading))
        }));
        make_database_folder(resolved)?;
        let settings = &resolved.settings;
        let (connections, limit) = (settings.database_connections, settings.database_timeout);
        let db = Database::connect_limited(&resolved.database_url, connections, limit)
            .await
            .with_context(|| format!("DOSSIER_DATABASE_URL: {}", resolved.database_url))?;
        let clock = DatabaseClock::of(&db).await;
        let db = db.with_keys(resolved.limits.rows.keys);
        let db = db.expecting(migrations::names());
        let feed = feed(resolved, &db)?;
        Ok(Self {
            ownership: Ownership::of(db.clone(), places.clone(), Arc::clone(&clock)),
            clock,
            db,
            places,
            feed,
            limits: Arc::new(resolved.limits.clone()),
            meters,
            _watching: watching,
        })
    }
}

/// The feed of the queue's URL.
fn feed(resolved: &Resolved, db: &Database) -> anyhow::Result<Arc<dyn Feed>> {
    Ok(match &resolved.settings.queue_url {
        QueueUrl::InProcess => Arc::new(InProcessFeed::default()),
        QueueUrl::Postgres => {
            let DatabaseUrl::Postgres(url) = &resolved.database_url else {
                return Err(InvalidSettings::QueueNeedsPostgres.into());
            };
            let hearing = if db.keeps_sessions() {
                Hearing::Listens
            } else {
                warn!(
                    "the pooler of the database gives each transaction another session, so no \
                     hints arrive: workers find jobs by polling, up to a second later"
                );
                Hearing::Polls
            };
            Arc::new(PostgresFeed::new(url, hearing).context("DOSSIER_QUEUE_URL")?)
        }
        QueueUrl::Redis(url) => {
            let authorities = url.authorities().map(read_authorities).transpose()?;
            let feed = RedisFeed::new(url, authorities);
            Arc::new(feed.context("DOSSIER_QUEUE_URL")?)
        }
    })
}

/// Reads the certificates of a private authority. A file without any would trust nobody.
fn read_authorities(file: &Path) -> anyhow::Result<Vec<u8>> {
    let named = || format!("DOSSIER_QUEUE_URL: the certificates in {}", file.display());
    let text = settings::read_small_file(file).with_context(named)?;
    let begin = b"-----BEGIN CERTIFICATE-----";
    if !text.windows(begin.len()).any(|window| window == begin) {
        bail!("{}: there are none (PEM)", named());
    }
    Ok(text)
}

/// Connects to the configured places. Other files of the service must not lie in one of them.
pub async fn places(resolved: &Resolved) -> anyhow::Result<StorageRouter> {
    let more = &resolved.more_storage_urls;
    let (staging, store) = (&resolved.staging_url, &resolved.storage_url);
    let places = match StorageRouter::connect_all(staging, store, more).await {
        Ok(places) => places,
        Err(error) => return Err(named(resolved, error).await),
    };
    let mut kept = vec![("DOSSIER_DATA_DIR", resolved.data_dir.as_path())];
    if let DatabaseUrl::Sqlite(file) = &resolved.database_url {
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        kept.push(("DOSSIER_DATABASE_URL", folder.unwrap_or(Path::new("."))));
    }
    for (setting, path) in kept {
        if path.exists()
            && let Some(place) = places.place_around(path).await?
        {
            let path = path.display();
            bail!("{setting}: {path} lies within the storage at {place}; use separate folders");
        }
    }
    Ok(places)
}

/// Adds to an error the setting of the place that can't be connected to.
async fn named(resolved: &Resolved, error: StorageError) -> anyhow::Error {
    let more = resolved.more_storage_urls.iter();
    let more = more.map(|url| ("DOSSIER_MORE_STORAGE_URLS", url));
    let staging = [("DOSSIER_STAGING_URL", &resolved.staging_url)];
    for (setting, url) in staging.into_iter().chain(more) {
        if *url != resolved.storage_url && url.connect().await.is_err() {
            return anyhow::Error::new(error).context(format!("{setting}: {url}"));
        }
    }
    anyhow::Error::new(error).context(format!("DOSSIER_STORAGE_URL: {}", resolved.storage_url))
}

/// Fails if a place belongs to another installation. If storage or ledger can't be reached yet,
/// readiness checks again.
pub async fn verify_ownership(ownership: &Ownership) -> anyhow::Result<()> {
    match timeout(PATIENCE, ownership.verify()).await {
        Ok(Ok(())) => {}
        Ok(Err(refusal)) if refusal.is_refusal() => return Err(refusal.into()),
        Ok(Err(error)) => warn!(
            error = &error as &dyn std::error::Error,
            "not ready until the mark of the storage is verified"
        ),
        Err(_) => warn!("not ready until the mark of the storage is verified: timed out"),
    }
    Ok(())
}

/// Opens an existing ledger; never creates one.
pub async fn ledger(resolved: &Resolved) -> anyhow::Result<Database> {
    let url = &resolved.database_url;
    let none = || {
        format!(
            "DOSSIER_DATABASE_URL: there is no ledger at {url}; create one with `dossier migrate`"
        )
    };
    if let DatabaseUrl::Sqlite(file) = url
        && !file.exists()
    {
        bail!(none());
    }
    let db = database(resolved).await?;
    if !migrations::were_applied(db.writer()).await? {
        bail!(none());
    }
    Ok(db)
}

/// Opens only the database; creates the folder of an SQLite file if needed.
pub async fn database(resolved: &Resolved) -> anyhow::Result<Database> {
    make_database_folder(resolved)?;
    let connections = resolved.settings.database_connections;
    Database::connect(&resolved.database_url, connections)
        .await
        .with_context(|| format!("DOSSIER_DATABASE_URL: {}", resolved.database_url))
}

fn make_database_folder(resolved: &Resolved) -> anyhow::Result<()> {
    if matches!(resolved.database_url, DatabaseUrl::Sqlite(_)) {
        data_folder::make(resolved)?;
    }
    Ok(())
}
