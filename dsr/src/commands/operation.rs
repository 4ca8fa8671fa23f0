//! Operations on many documents: listed, followed to their end, cancelled and undone.

use client::{Error, ItemResult, Operation, OperationStatus, Uuid};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::cli::OperationCommand;
use crate::failure::Failure;
use crate::output::{Column, Table, action, moment, tell_operation};
use crate::progress::spinner;
use crate::session::Session;

const OPERATIONS: [Column; 6] = [
    Column::text("ID"),
    Column::text("ACTION"),
    Column::text("STATUS"),
    Column::number("DONE"),
    Column::number("FAILED"),
    Column::text("CREATED (UTC)").whole(),
];

const ITEMS: [Column; 4] = [
    Column::text("DOCUMENT"),
    Column::text("RESULT"),
    Column::text("CODE"),
    Column::text("NAME").whole(),
];

/// The failed items that are shown without being asked for.
const FEW: usize = 10;

/// Runs one of the commands.
pub async fn operation(session: &Session<'_>, command: OperationCommand) -> Result<(), Failure> {
    let (client, screen) = (&session.client, session.screen);
    match command {
        OperationCommand::Ls { limit, of } => list(&session.of(&of).await?, limit).await,
        OperationCommand::Show { id, of } => {
            let session = &session.of(&of).await?;
            let operation = session.client.operation(id).await?;
            screen.result(&operation, &tell_operation(&operation))?;
            tell_failed(session, &operation).await
        }
        OperationCommand::Items { id, failed, of } => {
            let result = failed.then_some(ItemResult::Failed);
            items(&session.of(&of).await?, id, result, usize::MAX).await
        }
        OperationCommand::Wait { id } => follow(session, id).await.map(drop),
        OperationCommand::Cancel { id } => {
            let operation = client.cancel_operation(id).await?;
            screen.result(&operation, &tell_operation(&operation))
        }
        OperationCommand::Undo { id } => {
            let undo = client.undo_operation(id).await?;
            follow(session, undo.id).await.map(drop)
        }
    }
}

/// Waits until an operation has ended, tells how, and fails if it or an item failed.
pub async fn follow(session: &Session<'_>, id: Uuid) -> Result<Operation, Failure> {
    let wait = std::time::Duration::from_secs(1);
    let spinner = spinner(session.screen, &format!("operation {id}"));
    let ended = loop {
        match session.client.wait_for_operation(id, wait).await {
            Ok(operation) => break Ok(operation),
            Err(Error::StillPending { .. }) => {
                let operation = session.client.operation(id).await?;
                spinner.set_message(tell_operation(&operation));
            }
            Err(error) => break Err(error),
        }
    };
    spinner.finish_and_clear();
    let operation = ended?;
    session
        .screen
        .result(&operation, &tell_operation(&operation))?;
    tell_failed(session, &operation).await?;
    match operation.status {
        OperationStatus::Error => Err(Failure::InPart("the operation failed".to_owned())),
        OperationStatus::Cancelled => {
            Err(Failure::InPart("the operation was cancelled".to_owned()))
        }
        _ if operation.failed > 0 => Err(Failure::InPart(format!(
            "{} of {} failed: dsr operation items --failed {id}",
            operation.failed, operation.total
        ))),
        _ => Ok(operation),
    }
}

async fn tell_failed(session: &Session<'_>, operation: &Operation) -> Result<(), Failure> {
    if operation.failed == 0 || session.screen.is_json() {
        return Ok(());
    }
    items(session, operation.id, Some(ItemResult::Failed), FEW).await
}

async fn items(
    session: &Session<'_>,
    id: Uuid,
    result: Option<ItemResult>,
    limit: usize,
) -> Result<(), Failure> {
    let screen = session.screen;
    let mut table = Table::new(&ITEMS);
    let mut items = session.client.operation_items(id, result).take(limit);
    while let Some(item) = items.try_next().await? {
        if screen.is_json() {
            screen.result(&item, "")?;
            continue;
        }
        let document = item.document_id.map(|id| id.to_string());
        table.row(vec![
            document.unwrap_or_else(|| "-".to_owned()),
            format!("{:?}", item.result).to_lowercase(),
            item.code.unwrap_or_else(|| "-".to_owned()),
            item.name.or(item.detail).unwrap_or_default(),
        ]);
    }
    if table.is_empty() {
        return Ok(());
    }
    screen.table(&table)
}

async fn list(session: &Session<'_>, limit: usize) -> Result<(), Failure> {
    let screen = session.screen;
    let mut table = Table::new(&OPERATIONS);
    let mut operations = session.client.operations().take(limit);
    while let Some(operation) = operations.try_next().await? {
        if screen.is_json() {
            screen.result(&operation, "")?;
            continue;
        }
        table.row(vec![
            operation.id.to_string(),
            action(&operation),
            format!("{:?}", operation.status).to_lowercase(),
            format!("{}/{}", operation.succeeded, operation.total),
            operation.failed.to_string(),
            moment(operation.created_at),
        ]);
    }
    if table.is_empty() {
        screen.note("There are no operations.");
        return Ok(());
    }
    screen.table(&table)
}
