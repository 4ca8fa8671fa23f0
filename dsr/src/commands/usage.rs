//! What is used, and of how much.

use std::fmt::Write as _;

use indicatif::HumanCount;

use crate::cli::Usage;
use crate::failure::Failure;
use crate::output::{Column, Table, size};
use crate::session::Session;

const COLUMNS: [Column; 3] = [
    Column::number("DOCUMENTS"),
    Column::number("SIZE"),
    Column::text("TYPE"),
];

/// Shows documents and bytes, and their limits.
pub async fn usage(session: &Session<'_>, wanted: &Usage) -> Result<(), Failure> {
    let screen = session.screen;
    let usage = session.of(&wanted.of).await?.client.usage().await?;
    let documents = &usage.documents;
    let mut text = format!(
        "documents  {} of {}: {} active, {} pending, {} archived, {} in error\n",
        HumanCount(documents.total),
        HumanCount(usage.document_limit.into()),
        HumanCount(documents.active),
        HumanCount(documents.pending),
        HumanCount(documents.archived),
        HumanCount(documents.error),
    );
    let bytes = &usage.bytes;
    let (used, limit) = (size(bytes.used), size(bytes.limit));
    let _ = write!(text, "bytes      {used} of {limit}");
    if bytes.reserved > 0 {
        let _ = write!(text, ", and {} reserved", size(bytes.reserved));
    }
    screen.result(&usage, &text)?;
    if screen.is_json() || usage.by_type.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&COLUMNS);
    for kind in usage.by_type {
        table.row(vec![
            HumanCount(kind.documents).to_string(),
            size(kind.bytes),
            kind.mime_type,
        ]);
    }
    screen.line("")?;
    screen.table(&table)
}
