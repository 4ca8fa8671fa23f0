//! Shows a document, and what happened to it.

use client::{TimelineEntry, Uuid};

use super::listed::listed;
use crate::cli::{Show, Timeline};
use crate::failure::Failure;
use crate::output::{Column, moment, tell_document};
use crate::session::Session;

const COLUMNS: [Column; 5] = [
    Column::text("AT (UTC)"),
    Column::text("WHAT"),
    Column::number("VERSION"),
    Column::number("TOOK"),
    Column::text("CODE"),
];

/// Shows a document and, if wanted, what happened to it.
pub async fn show(session: &Session<'_>, show: &Show) -> Result<(), Failure> {
    let session = &session.of(&show.of).await?;
    let screen = session.screen;
    let id = session.find(&show.document).await?;
    let document = session.client.document(id).await?;
    screen.result(&document, &tell_document(&document))?;
    if !show.timeline {
        return Ok(());
    }
    if !screen.is_json() {
        screen.line("")?;
    }
    tell_timeline(session, document.id).await
}

/// Shows what happened to a document.
pub async fn timeline(session: &Session<'_>, wanted: &Timeline) -> Result<(), Failure> {
    let session = &session.of(&wanted.of).await?;
    let id = session.find(&wanted.document).await?;
    tell_timeline(session, id).await
}

async fn tell_timeline(session: &Session<'_>, id: Uuid) -> Result<(), Failure> {
    let entries = session.client.timeline(id);
    let none = "Nothing happened to it.";
    listed(session.screen, entries, &COLUMNS, row, none).await
}

fn row(entry: TimelineEntry) -> Vec<String> {
    let version = entry.version.map(|version| version.to_string());
    let took = entry.duration_ms.map(|took| format!("{took} ms"));
    vec![
        moment(entry.at),
        entry.kind,
        version.unwrap_or_default(),
        took.unwrap_or_default(),
        entry.code.unwrap_or_default(),
    ]
}
