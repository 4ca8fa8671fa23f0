//! Lists documents.

use futures::TryStreamExt as _;

use crate::cli::List;
use crate::failure::Failure;
use crate::output::{Column, Table, moment, size, status};
use crate::session::Session;

const COLUMNS: [Column; 6] = [
    Column::text("ID"),
    Column::text("STATUS"),
    Column::number("SIZE"),
    Column::text("UPLOADED (UTC)").when_wide(100),
    Column::text("TYPE").when_wide(130),
    Column::text("NAME"),
];

/// How many rows are aligned with each other.
const BLOCK: usize = 1_000;

/// The documents that a terminal gets without `--limit`.
const SCREENFUL: usize = 100;

/// Lists the documents that match.
pub async fn list(session: &Session<'_>, list: &List) -> Result<(), Failure> {
    let session = &session.of(&list.of).await?;
    let screen = session.screen;
    let filter = list.filters.filter()?;
    let is_for_people = !screen.is_json() && console::Term::stdout().is_term();
    let limit = list
        .limit
        .unwrap_or(if is_for_people { SCREENFUL } else { usize::MAX });
    let mut documents = session.client.documents(&filter, Some(&list.sort));
    let mut table = Table::new(&COLUMNS);
    let mut count = 0;
    while let Some(document) = documents.try_next().await? {
        if count == limit {
            if list.limit.is_none() {
                screen.table(&std::mem::replace(&mut table, Table::new(&COLUMNS)))?;
                screen.note("There are more: see them with --limit, or narrow the list.");
            }
            break;
        }
        count += 1;
        if screen.is_json() {
            screen.result(&document, "")?;
            continue;
        }
        table.row(vec![
            document.id.to_string(),
            status(document.status),
            size(document.size_bytes),
            moment(document.created_at),
            document.mime_type.unwrap_or_else(|| "-".to_owned()),
            document.name,
        ]);
        if count % BLOCK == 0 {
            screen.table(&std::mem::replace(&mut table, Table::new(&COLUMNS)))?;
        }
    }
    if count == 0 {
        screen.note("No documents match.");
    }
    if table.is_empty() {
        return Ok(());
    }
    screen.table(&table)
}
