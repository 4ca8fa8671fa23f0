//! The words of `dossier storage`.

use clap::{Args, Subcommand};
use domain::ByteSize;
use storage::StorageUrl;

/// Managing the storage places.
#[derive(Subcommand, Clone, Debug)]
pub enum Storage {
    /// List the places, with how many objects and bytes the ledger has in each
    ///
    /// Also names places that rows refer to and that aren't configured; then the exit code is 1.
    #[command(visible_alias = "list")]
    Ls {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the CORS rules that the staging place needs for scripts of browsers
    ///
    /// For redirected downloads and direct uploads, from the origins that may use the API, or from any
    /// if none may: whoever has a signed URL may use it anyway.
    Cors,
    /// Move documents' bytes from one place to another, while the service runs
    ///
    /// Workers copy each object, verify its digest, and remove the old one after a while, an hour
    /// by default. This command starts a move and shows its progress; ended early, it
    /// leaves the move running. Exit code 1 if objects could not be moved.
    Move(Box<StorageMove>),
    /// Mark the configured places as this ledger's, whatever ledger they belonged to
    ///
    /// A ledger and its places carry the same installation id; if they differ, the service doesn't
    /// start and removes nothing. Adopt places after restoring the database from a backup of
    /// another installation, or when places have lost their mark but hold the right data. Without
    /// --yes, only reports what it finds, with exit code 1 if something would change.
    Adopt {
        /// Write the marks
        #[arg(long)]
        yes: bool,
    },
}

/// What to move.
#[derive(Args, Clone, Debug)]
pub struct StorageMove {
    /// The place to move from, one of the configured ones
    #[arg(long, value_name = "URL")]
    pub from: StorageUrl,
    /// The place to move to
    #[arg(long, value_name = "URL")]
    pub to: StorageUrl,
    /// The most bytes per second [default: no limit]. Below 1MiB objects are copied as a whole, with rests
    #[arg(long, value_name = "SIZE")]
    pub rate: Option<ByteSize>,
    /// Only print how much would be moved
    #[arg(long)]
    pub dry_run: bool,
}
