//! A fresh, migrated database of each kind.

use ledger::{Database, DatabaseUrl};
use tempfile::TempDir;

use crate::servers::Postgres;

/// A database of one test, and its folder, if any.
#[derive(Debug)]
pub struct TestDatabase {
    /// The database.
    pub db: Database,
    _folder: Option<TempDir>,
}

impl TestDatabase {
    /// An empty SQLite database in its own folder.
    pub async fn sqlite() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let url = DatabaseUrl::Sqlite(folder.path().join("dossier.sqlite"));
        Self {
            db: Self::migrated(&url).await,
            _folder: Some(folder),
        }
    }

    /// An empty database on the shared PostgreSQL server.
    pub async fn postgres() -> Self {
        Self {
            db: Self::on(Postgres::shared().await).await,
            _folder: None,
        }
    }

    /// A new database on a PostgreSQL server, migrated.
    pub async fn on(server: &Postgres) -> Database {
        let url = server.create_database().await;
        let url: DatabaseUrl = url.parse().expect("the server's URL is one");
        Self::migrated(&url).await
    }

    /// Migrates the database at `url`, and connects to it.
    pub async fn migrated(url: &DatabaseUrl) -> Database {
        let db = Database::connect(url, 8)
            .await
            .expect("the database answers");
        migrations::up(db.writer())
            .await
            .expect("the schema can be made");
        db
    }
}
