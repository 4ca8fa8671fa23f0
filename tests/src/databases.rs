//! A fresh, migrated database of each kind.

use ledger::{Database, DatabaseUrl};
use tempfile::TempDir;

use crate::servers::Postgres;

/// A database of one test, and the folder it lies in, if any.
#[derive(Debug)]
pub struct TestDatabase {
    /// The database.
    pub db: Database,
    _folder: Option<TempDir>,
}

impl TestDatabase {
    /// An empty SQLite database in a folder of its own.
    pub async fn sqlite() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let url = DatabaseUrl::Sqlite(folder.path().join("dossier.sqlite"));
        Self {
            db: migrated(&url).await,
            _folder: Some(folder),
        }
    }

    /// An empty database on the shared PostgreSQL server.
    pub async fn postgres() -> Self {
        let url = Postgres::shared().await.create_database().await;
        let url: DatabaseUrl = url.parse().expect("the server's URL is one");
        Self {
            db: migrated(&url).await,
            _folder: None,
        }
    }
}

async fn migrated(url: &DatabaseUrl) -> Database {
    let db = Database::connect(url, 8)
        .await
        .expect("the database answers");
    migrations::up(db.writer())
        .await
        .expect("the schema can be made");
    db
}

/// Runs a test on SQLite and on PostgreSQL.
#[macro_export]
macro_rules! on_each_database {
    ($($(#[$attribute:meta])* async fn $name:ident($db:ident: $kind:ty) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every test needs all names")]
            use super::*;

            async fn check($db: $kind) $body

            $(#[$attribute])*
            #[tokio::test]
            async fn sqlite() {
                let database = $crate::databases::TestDatabase::sqlite().await;
                check(&database.db).await;
            }

            $(#[$attribute])*
            #[tokio::test]
            async fn postgres() {
                let database = $crate::databases::TestDatabase::postgres().await;
                check(&database.db).await;
            }
        }
    )*};
}
