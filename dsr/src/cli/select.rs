//! Which documents a command means: ids, or the filters of the list.

use clap::Args;
use client::{DocumentFilter, Metadata, Selection, Timestamp, Uuid};
use serde_json::Value;

use super::size;
use crate::failure::Failure;
use crate::json::read_json;

/// Documents by ids or by filters.
#[derive(Args, Debug)]
pub struct Selected {
    /// The ids of the documents
    pub ids: Vec<Uuid>,
    #[command(flatten)]
    pub filters: Filters,
    /// Tell what would happen, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Don't ask before documents are deleted
    #[arg(long, short)]
    pub yes: bool,
}

/// The filters of the list.
#[derive(Args, Debug)]
#[command(next_help_heading = "Which documents")]
pub struct Filters {
    /// A part of the name
    #[arg(long = "named", visible_alias = "name", value_name = "TEXT")]
    pub named: Option<String>,
    /// pending, active, archived or error; several separated by commas
    #[arg(long, value_name = "STATUS")]
    pub status: Option<String>,
    /// A media type, such as text/plain or image/*
    #[arg(long = "type", visible_alias = "mime-type", value_name = "TYPE")]
    pub media_type: Option<String>,
    /// Public ones (or, with =false, private ones)
    #[arg(long = "is-public", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub is_public: Option<bool>,
    /// At least this size, such as 512KiB or 10MB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub min_size: Option<u64>,
    /// At most this size
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// Uploaded after this, such as 2026-01-31 or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub created_after: Option<Timestamp>,
    /// Uploaded before this
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub created_before: Option<Timestamp>,
    /// Changed after this
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub updated_after: Option<Timestamp>,
    /// Changed before this
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub updated_before: Option<Timestamp>,
    /// With this metadata: KEY=VALUE, or a JSON object
    #[arg(long = "where", visible_alias = "metadata", value_name = "KEY=VALUE")]
    pub having: Vec<String>,
}

impl Filters {
    /// The filter of the API.
    pub fn filter(&self) -> Result<DocumentFilter, Failure> {
        Ok(DocumentFilter {
            status: self.status.clone(),
            mime_type: self.media_type.clone(),
            name: self.named.clone(),
            is_public: self.is_public,
            created_after: self.created_after,
            created_before: self.created_before,
            updated_after: self.updated_after,
            updated_before: self.updated_before,
            min_size: self.min_size,
            max_size: self.max_size,
            metadata: match pairs(&self.having)? {
                metadata if metadata.is_empty() => None,
                metadata => Some(metadata),
            },
        })
    }
}

/// The documents with these ids, or those that match; at least one condition has to be there, unless
/// all are meant without one.
pub fn selection(
    ids: &[Uuid],
    filters: &Filters,
    all_by_default: bool,
) -> Result<Selection, Failure> {
    let filter = filters.filter()?;
    let is_empty = filter == DocumentFilter::default();
    match (ids.is_empty(), is_empty) {
        (false, true) => Ok(Selection::Ids(ids.to_vec())),
        (false, false) => Err(Failure::usage(
            "name documents by ids or by filters, not by both",
        )),
        (true, true) if !all_by_default => Err(Failure::usage(
            "name documents by ids, or select them, for example with --type 'image/*' or --named draft",
        )),
        (true, _) => Ok(Selection::Filter(Box::new(filter))),
    }
}

/// Metadata of `KEY=VALUE` and JSON objects. A value that is JSON is taken as such, else as text.
pub fn pairs(texts: &[String]) -> Result<Metadata, Failure> {
    let mut metadata = Metadata::new();
    for text in texts {
        if text.trim_start().starts_with('{') {
            let object: Metadata = read_json(text.as_bytes())
                .map_err(|error| Failure::usage(format!("{text} is no JSON object: {error}")))?;
            metadata.extend(object);
            continue;
        }
        let Some((key, value)) = text.split_once('=') else {
            return Err(Failure::usage(format!(
                "{text}: metadata is KEY=VALUE, or a JSON object"
            )));
        };
        let value = read_json(value.as_bytes()).unwrap_or_else(|_| Value::from(value));
        metadata.insert(key.to_owned(), value);
    }
    Ok(metadata)
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let whole = format!("{text}T00:00:00Z");
    Timestamp::parse(text)
        .or_else(|| Timestamp::parse(&whole))
        .ok_or_else(|| "not a date such as 2026-01-31, nor a time of RFC 3339".to_owned())
}
