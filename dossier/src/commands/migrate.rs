//! `dossier migrate`: the schema, and the first admin.

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
            println!("The newest migration has been taken back.");
        }
        Migrate::Status => {
            // An empty database gets the list of what it has, which is none.
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
    db.close().await.context("the database could not be closed")
}

/// Brings the schema up to date and puts the bootstrap key in force.
pub async fn up(resolved: &Resolved, db: &Database) -> anyhow::Result<Option<std::path::PathBuf>> {
    let migrations = migrations::up(db.writer()).await?;
    if migrations > 0 {
        info!(migrations, "the schema was brought up to date");
    }
    if let DatabaseUrl::Sqlite(file) = &resolved.database_url {
        // Not before the schema is in it: a wrong setting may name anything.
        data_folder::make_database_private(file);
    }
    bootstrap::ensure(resolved, db, SystemClock.now()).await
}
