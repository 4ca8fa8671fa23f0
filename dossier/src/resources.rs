//! What a process works with, connected as its settings say.

use std::sync::Arc;

use anyhow::Context as _;
use shared::db::{Database, DatabaseClock, DatabaseUrl};
use shared::domain::{Clock, Limits};
use shared::metrics::{Meters, Watched};
use shared::queue::{Feed, InProcessFeed, QueueUrl, RedisFeed};
use shared::settings::Resolved;
use shared::storage::Places;

use crate::data_folder;

/// Database, storage, queue and clock of this process.
pub struct Resources {
    pub db: Database,
    pub places: Places,
    pub feed: Arc<dyn Feed>,
    pub clock: Arc<dyn Clock>,
    pub limits: Arc<Limits>,
    pub meters: Meters,
}

impl Resources {
    pub async fn connect(resolved: &Resolved) -> anyhow::Result<Self> {
        let places = Places::connect(&resolved.staging_url, &resolved.storage_url)
            .await
            .with_context(|| format!("DOSSIER_STORAGE_URL: {}", resolved.storage_url))?;
        let meters = Meters::default();
        let places = Watched::places(&places, &meters);
        let feed: Arc<dyn Feed> = match &resolved.settings.queue_url {
            QueueUrl::InProcess => Arc::new(InProcessFeed::default()),
            QueueUrl::Redis { server, prefix } => {
                Arc::new(RedisFeed::new(server, prefix).context("DOSSIER_QUEUE_URL")?)
            }
        };
        make_database_folder(resolved)?;
        let settings = &resolved.settings;
        let (connections, limit) = (settings.database_connections, settings.database_timeout);
        let db = Database::connect_limited(&resolved.database_url, connections, limit)
            .await
            .with_context(|| format!("DOSSIER_DATABASE_URL: {}", resolved.database_url))?;
        Ok(Self {
            clock: DatabaseClock::of(&db).await,
            db: db.expecting(migrations::names()),
            places,
            feed,
            limits: Arc::new(resolved.limits.clone()),
            meters,
        })
    }
}

/// The database alone; the folder of an SQLite file is made if need be.
pub async fn database(resolved: &Resolved) -> anyhow::Result<Database> {
    make_database_folder(resolved)?;
    let connections = resolved.settings.database_connections;
    Database::connect(&resolved.database_url, connections)
        .await
        .with_context(|| format!("DOSSIER_DATABASE_URL: {}", resolved.database_url))
}

fn make_database_folder(resolved: &Resolved) -> anyhow::Result<()> {
    if let DatabaseUrl::Sqlite(file) = &resolved.database_url {
        data_folder::make(resolved)?;
        data_folder::make_database_private(file);
    }
    Ok(())
}
