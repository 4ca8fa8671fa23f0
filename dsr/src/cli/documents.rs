//! The words of commands on documents.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use client::OnConflict;
use client::Uuid;

use super::{Filters, Owner};

/// A download.
#[derive(Args, Debug)]
pub struct Get {
    /// The id or unique name of the document
    pub document: String,
    /// The file or folder to write, - for standard output; by default the name of the document
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// This version, instead of the current one
    #[arg(long, value_name = "NUMBER")]
    pub version: Option<u32>,
    /// Replace the file if it exists
    #[arg(long, short)]
    pub force: bool,
    #[command(flatten)]
    pub of: Owner,
}

/// A document's content on standard output.
#[derive(Args, Debug)]
pub struct Cat {
    /// The id or unique name of the document
    pub document: String,
    /// This version, instead of the current one
    #[arg(long, value_name = "NUMBER")]
    pub version: Option<u32>,
    #[command(flatten)]
    pub of: Owner,
}

/// A list of documents.
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    pub filters: Filters,
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "ORDER",
        default_value = "-created_at",
        help = "created_at, updated_at, name or size_bytes; descending with - before it"
    )]
    pub sort: String,
    /// The most that are listed
    #[arg(long, short = 'n', value_name = "COUNT")]
    pub limit: Option<usize>,
    #[command(flatten)]
    pub of: Owner,
}

/// A document.
#[derive(Args, Debug)]
pub struct Show {
    /// The id or unique name of the document
    pub document: String,
    /// Show what happened to it, too
    #[arg(long)]
    pub timeline: bool,
    #[command(flatten)]
    pub of: Owner,
}

/// What happened to a document.
#[derive(Args, Debug)]
pub struct Timeline {
    /// The id or unique name of the document
    pub document: String,
    #[command(flatten)]
    pub of: Owner,
}

/// Changes to a document.
#[derive(Args, Debug)]
pub struct Edit {
    /// The id or unique name of the document
    pub document: String,
    /// A new name
    #[arg(long)]
    pub name: Option<String>,
    /// A new unique name
    #[arg(long, conflicts_with = "no_unique_name")]
    pub unique_name: Option<String>,
    /// Remove the unique name
    #[arg(long)]
    pub no_unique_name: bool,
    /// Let anybody read it; needs a unique name
    #[arg(long, conflicts_with = "private")]
    pub public: bool,
    /// Let nobody else read it
    #[arg(long)]
    pub private: bool,
    /// Metadata to set: KEY=VALUE, or a JSON object whose nulls remove
    #[arg(long, short, value_name = "KEY=VALUE")]
    pub metadata: Vec<String>,
    /// Only if this is its latest revision
    #[arg(long, value_name = "NUMBER")]
    pub revision: Option<u64>,
}

/// The versions of a document.
#[derive(Args, Debug)]
pub struct Versions {
    /// The id or unique name of the document
    pub document: String,
    /// Make the content of this version the newest one again
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["delete", "owner"])]
    pub restore: Option<u32>,
    /// Delete this version
    #[arg(long, value_name = "NUMBER", conflicts_with = "owner")]
    pub delete: Option<u32>,
    #[command(flatten)]
    pub of: Owner,
}

/// A receipt.
#[derive(Args, Debug)]
pub struct Receipt {
    /// The id or unique name of the document
    pub document: String,
    /// This version, instead of the current one
    #[arg(long, value_name = "NUMBER")]
    pub version: Option<u32>,
    #[command(flatten)]
    pub of: Owner,
}

/// An export.
#[derive(Args, Debug)]
pub struct Export {
    /// The documents; by default those that the options select, or all
    pub ids: Vec<Uuid>,
    #[command(flatten)]
    pub filters: Filters,
    /// The ZIP archive to write
    #[arg(long, short, value_name = "FILE", default_value = "export.zip")]
    pub output: PathBuf,
    /// With all versions of each document
    #[arg(long)]
    pub versions: bool,
    /// Replace the file if it exists
    #[arg(long, short)]
    pub force: bool,
}

/// An import.
#[derive(Args, Debug)]
pub struct Import {
    /// The ZIP archive
    pub archive: PathBuf,
    /// What happens to an entry whose name a document has
    #[arg(long, value_enum, default_value_t = Conflict::Rename)]
    pub on_conflict: Conflict,
}

/// What happens to an entry whose name a document has.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Conflict {
    /// It is skipped
    Skip,
    /// It gets another name
    Rename,
    /// It becomes a new version of that document
    NewVersion,
    /// It fails
    Fail,
}

impl From<Conflict> for OnConflict {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::Skip => Self::Skip,
            Conflict::Rename => Self::Rename,
            Conflict::NewVersion => Self::NewVersion,
            Conflict::Fail => Self::Fail,
        }
    }
}
