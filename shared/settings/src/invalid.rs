//! What can be wrong with settings.

use std::path::PathBuf;

use storage::ParseStorageUrlError;

/// Settings that don't fit together; each message names the one to change.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// SQLite has room for one process.
    #[error(
        "DOSSIER_DATABASE_URL: {0} needs a database that processes can share, postgres://…; SQLite belongs to `dossier serve`"
    )]
    DatabaseNotShared(&'static str),
    /// The in-process queue ends at the process.
    #[error(
        "DOSSIER_QUEUE_URL: {0} needs a queue that processes can share, redis://…; inprocess: belongs to `dossier serve`"
    )]
    QueueNotShared(&'static str),
    /// A short secret can be guessed.
    #[error("DOSSIER_JWT_SECRET: a secret has at least 32 characters")]
    ShortJwtSecret,
    /// Tokens that were made for other services would pass.
    #[error(
        "DOSSIER_JWT_AUDIENCE: a key set (DOSSIER_JWT_JWKS) needs the audience that tokens must name, or those for other services would be accepted"
    )]
    KeySetWithoutAudience,
    /// The collector of spans can't be one.
    #[error("{variable}: {reason}")]
    OtlpEndpoint {
        /// The variable that names it.
        variable: &'static str,
        /// What it should be.
        reason: &'static str,
    },
    /// The data folder can't hold files.
    #[error("DOSSIER_DATA_DIR: {0}")]
    DataFolderName(#[from] ParseStorageUrlError),
    /// The data folder can't be named absolutely.
    #[error("DOSSIER_DATA_DIR: {path} can't be found: {source}")]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
