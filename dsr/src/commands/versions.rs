//! The versions of a document.

use client::VersionStatus;
use futures::TryStreamExt as _;

use crate::cli::Versions;
use crate::failure::Failure;
use crate::output::{Column, Table, moment, size, tell_document};
use crate::session::Session;

const COLUMNS: [Column; 6] = [
    Column::number("VERSION"),
    Column::text("STATUS"),
    Column::number("SIZE"),
    Column::text("UPLOADED (UTC)"),
    Column::text("SHA-256").when_wide(130),
    Column::text("TYPE").whole(),
];

/// Lists the versions, restores or deletes one.
pub async fn versions(session: &Session<'_>, versions: &Versions) -> Result<(), Failure> {
    let session = &session.of(&versions.of).await?;
    let screen = session.screen;
    let id = session.find(&versions.document).await?;
    if let Some(number) = versions.restore {
        let document = session.client.restore_version(id, number).await?;
        return screen.result(&document, &tell_document(&document));
    }
    if let Some(number) = versions.delete {
        session.client.delete_version(id, number).await?;
        let deleted = serde_json::json!({"number": number, "deleted": true});
        return screen.result(&deleted, &format!("version {number}  deleted"));
    }
    let mut table = Table::new(&COLUMNS);
    let mut found = session.client.versions(id);
    while let Some(version) = found.try_next().await? {
        if screen.is_json() {
            screen.result(&version, "")?;
            continue;
        }
        let status = match (version.status, &version.error) {
            (_, Some(error)) => format!("error {}", error.code),
            (VersionStatus::Pending, _) => "pending".to_owned(),
            (VersionStatus::Active, _) => "active".to_owned(),
            (VersionStatus::Error, None) => "error".to_owned(),
        };
        table.row(vec![
            version.number.to_string(),
            status,
            size(version.size_bytes),
            moment(version.created_at),
            version.sha256.unwrap_or_default(),
            version.mime_type.unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    if table.is_empty() {
        return Ok(());
    }
    screen.table(&table)
}
