//! The two ways in which the service runs, and the storage servers it may have.

use crate::servers::{Azurite, FakeGcs, S3};

/// A way to run the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One process on SQLite, the in-process queue and local files.
    Embedded,
    /// Ingress and two workers on PostgreSQL, Redis and S3.
    Distributed,
}

/// What carries hints between the processes of the distributed service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A Redis server.
    Redis,
    /// The PostgreSQL server. Redis runs all the same: a test that stops it shows that nothing
    /// needs it.
    Postgres,
}

impl Carrier {
    /// The one that the variable `DOSSIER_TEST_QUEUE` names, `redis` or `postgres`, for tests that
    /// name none.
    #[must_use]
    pub fn of_environment() -> Self {
        match std::env::var("DOSSIER_TEST_QUEUE").as_deref() {
            Ok("postgres") => Self::Postgres,
            Ok("" | "redis") | Err(_) => Self::Redis,
            Ok(other) => panic!("DOSSIER_TEST_QUEUE: {other:?} is neither redis nor postgres"),
        }
    }
}

/// Where the distributed service keeps its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// S3.
    #[default]
    S3,
    /// Azure Blob Storage.
    Azure,
    /// Google Cloud Storage.
    Gcs,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::S3, Self::Azure, Self::Gcs];

    /// Returns the URL of an empty place at the server that tests share.
    pub async fn fresh_storage_url(self) -> String {
        match self {
            Self::S3 => S3::shared().await.fresh_storage_url().await,
            Self::Azure => Azurite::shared().await.fresh_storage_url().await,
            Self::Gcs => FakeGcs::shared().await.fresh_storage_url().await,
        }
    }

    /// The port of that server.
    pub async fn port(self) -> u16 {
        match self {
            Self::S3 => S3::shared().await.port(),
            Self::Azure => Azurite::shared().await.port(),
            Self::Gcs => FakeGcs::shared().await.port(),
        }
    }

    /// The environment variables with the credentials for a service process.
    pub async fn environment(self) -> Vec<(String, String)> {
        let pairs = match self {
            Self::S3 => S3::shared().await.environment().to_vec(),
            Self::Azure => Azurite::shared().await.environment().to_vec(),
            Self::Gcs => vec![],
        };
        let owned = pairs.into_iter();
        owned
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}
