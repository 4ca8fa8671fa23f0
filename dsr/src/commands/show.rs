//! Shows a document.

use futures::TryStreamExt as _;

use crate::cli::Show;
use crate::failure::Failure;
use crate::output::{Column, Table, moment, tell_document};
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
    let screen = session.screen;
    let document = session
        .client
        .document(session.find(&show.document).await?)
        .await?;
    screen.result(&document, &tell_document(&document))?;
    if !show.timeline {
        return Ok(());
    }
    let mut table = Table::new(&COLUMNS);
    let mut timeline = session.client.timeline(document.id);
    while let Some(entry) = timeline.try_next().await? {
        if screen.is_json() {
            screen.result(&entry, "")?;
            continue;
        }
        let took = entry.duration_ms.map(|took| format!("{took} ms"));
        table.row(vec![
            moment(entry.at),
            entry.kind,
            entry
                .version
                .map(|version| version.to_string())
                .unwrap_or_default(),
            took.unwrap_or_default(),
            entry.code.unwrap_or_default(),
        ]);
    }
    if screen.is_json() {
        return Ok(());
    }
    screen.line("")?;
    screen.table(&table)
}
