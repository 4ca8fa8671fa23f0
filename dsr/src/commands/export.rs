//! Downloads many documents as a ZIP archive.

use std::path::Path;

use client::{Action, NewOperation};

use super::operation::follow;
use super::receive::{refuse_existing, save};
use crate::cli::{Export, selection};
use crate::failure::Failure;
use crate::output::size;
use crate::session::Session;

/// Has the service make the archive, and downloads it.
pub async fn export(session: &Session<'_>, export: &Export) -> Result<(), Failure> {
    if export.output == Path::new("-") {
        return Err(Failure::usage(
            "standard output is for what becomes of the operation: name a file",
        ));
    }
    refuse_existing(&export.output, export.force)?;
    let select = selection(&export.ids, &export.filters, true)?;
    let mut operation = NewOperation::new(Action::Export, select);
    operation.versions = export.versions;
    let operation = session.client.start_operation(&operation).await?;
    let ended = follow(session, operation.id).await;
    // An archive without some of the documents is an archive.
    let content = match &ended {
        Ok(_) => session.client.operation_result(operation.id).await?,
        Err(Failure::InPart(_)) => match session.client.operation_result(operation.id).await {
            Ok(content) => content,
            Err(_) => return ended.map(drop),
        },
        Err(_) => return ended.map(drop),
    };
    let length = save(session, content, &export.output, export.force).await?;
    session
        .screen
        .note(&format!("{}  {}", export.output.display(), size(length)));
    ended.map(drop)
}
