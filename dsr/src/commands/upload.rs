//! Resumable uploads that have begun.

use client::Upload;

use super::listed::listed;
use crate::cli::UploadCommand;
use crate::failure::Failure;
use crate::output::{Column, moment, size};
use crate::session::Session;

const COLUMNS: [Column; 5] = [
    Column::text("ID"),
    Column::text("STATUS"),
    Column::number("HERE"),
    Column::text("EXPIRES (UTC)").whole(),
    Column::text("NAME").whole(),
];

/// Runs one of the commands.
pub async fn upload(session: &Session<'_>, command: UploadCommand) -> Result<(), Failure> {
    let (client, screen) = (&session.client, session.screen);
    match command {
        UploadCommand::Ls => {
            let none = "There are no resumable uploads.";
            listed(screen, client.uploads(), &COLUMNS, row, none).await
        }
        UploadCommand::Rm { id } => {
            client.end_upload(id).await?;
            let ended = serde_json::json!({"id": id, "ended": true});
            screen.result(&ended, &format!("{id}  ended"))
        }
    }
}

fn row(upload: Upload) -> Vec<String> {
    let length = upload.length.map_or_else(|| "?".to_owned(), size);
    vec![
        upload.id.to_string(),
        format!("{:?}", upload.status).to_lowercase(),
        format!("{} of {length}", size(upload.offset)),
        moment(upload.expires_at),
        upload.name.unwrap_or_else(|| "-".to_owned()),
    ]
}
