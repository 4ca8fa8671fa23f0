//! `dossier migrate`: migrates the schema, and creates the first admin.

use anyhow::Context as _;
use domain::{Clock as _, SystemClock};
use ledger::{Database, DatabaseUrl};
use settings::Resolved;
use tracing::info;

use crate::cli::Migrate;
use crate::{bootstrap, data_folder, resources};

pub async fn run(resolved: &Resolved, direction: Option<Migrate>) -> anyhow::Result<()> {
    let db = resources::database(resolved).await?;
    match direction.unwrap_or(Migrate::Up) {
        Migrate::Up => {
            if let Some(file) = up(resolved, &db).await? {
                println!("The admin's key is in {}", file.display());
            }
            println!("The schema is up to date.");
        }
        Migrate::Down => {
            migrations::down(db.writer()).await?;
            println!("The newest migration has been reverted.");
        }
        Migrate::Status => {
            // Creates the table of applied migrations in an empty database.
            for migration in migrations::status(db.writer()).await? {
                let state = if migration.applied {
                    "applied"
                } else {
                    "missing"
                };
                println!("{state}  {}", migration.name);
            }
        }
    }
    db.close().await.context("failed to close the database")
}

/// Migrates the schema and installs the bootstrap key.
pub async fn up(resolved: &Resolved, db: &Database) -> anyhow::Result<Option<std::path::PathBuf>> {
    let migrations = migrations::up(db.writer()).await?;
    if migrations > 0 {
        info!(migrations, "migrated the schema");
    }
    if let DatabaseUrl::Sqlite(file) = &resolved.database_url {
        // Only once it has the schema: a wrong setting may name any file.
        data_folder::make_database_private(file);
    }
    bootstrap::ensure(resolved, db, SystemClock.now()).await
}
