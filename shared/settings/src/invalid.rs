//! Errors of settings that contradict each other.

use std::path::PathBuf;

use storage::ParseStorageUrlError;

/// Settings that don't fit together. Each message names the one to change.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// SQLite supports one process.
    #[error(
        "DOSSIER_DATABASE_URL: {0} needs a database that processes can share, postgres://…; SQLite belongs to `dossier serve`"
    )]
    DatabaseNotShared(&'static str),
    /// The in-process queue connects nothing beyond the process.
    #[error(
        "DOSSIER_QUEUE_URL: {0} needs a queue that processes can share, redis://… or postgres:; inprocess: belongs to `dossier serve`"
    )]
    QueueNotShared(&'static str),
    /// Hints go through the database only if it is PostgreSQL.
    #[error(
        "DOSSIER_QUEUE_URL: postgres: needs the ledger in PostgreSQL, DOSSIER_DATABASE_URL=postgres://…; with SQLite, leave it out"
    )]
    QueueNeedsPostgres,
    /// A short secret can be guessed.
    #[error("DOSSIER_JWT_SECRET: must have at least 32 characters")]
    ShortJwtSecret,
    /// Tokens issued for other services would be accepted.
    #[error(
        "DOSSIER_JWT_AUDIENCE: a key set (DOSSIER_JWT_JWKS) needs the audience that tokens must name, or those for other services would be accepted"
    )]
    KeySetWithoutAudience,
    /// A provider without the client, or the way back to the service.
    #[error("{0}: is needed to sign in with a provider (DOSSIER_OIDC_ISSUER)")]
    OidcIncomplete(&'static str),
    /// The collector's URL is invalid.
    #[error("{variable}: {reason}")]
    OtlpEndpoint {
        /// The variable that holds it.
        variable: &'static str,
        /// What it must be.
        reason: &'static str,
    },
    /// The data folder is not usable.
    #[error("DOSSIER_DATA_DIR: {0}")]
    DataFolderName(#[from] ParseStorageUrlError),
    /// The data folder has no absolute path.
    #[error("DOSSIER_DATA_DIR: failed to resolve {path}: {source}")]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
