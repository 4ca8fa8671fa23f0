//! Archives, restores, retries and deletes documents: one by a request of its own, many by an operation.

use client::{Action, Error, NewOperation, Selection, Uuid};
use indicatif::HumanCount;

use super::operation::follow;
use crate::cli::{Selected, selection};
use crate::failure::Failure;
use crate::output::document_line;
use crate::session::Session;

/// Archives documents.
pub async fn archive(session: &Session<'_>, selected: &Selected) -> Result<(), Failure> {
    if let Some(id) = single(selected)? {
        let document = session.client.archive_document(id).await?;
        return session.screen.result(&document, &document_line(&document));
    }
    operate(session, selected, Action::Archive).await
}

/// Restores archived documents.
pub async fn restore(session: &Session<'_>, selected: &Selected) -> Result<(), Failure> {
    if let Some(id) = single(selected)? {
        let document = session.client.restore_document(id).await?;
        return session.screen.result(&document, &document_line(&document));
    }
    operate(session, selected, Action::Restore).await
}

/// Processes failed documents again.
pub async fn retry(session: &Session<'_>, selected: &Selected) -> Result<(), Failure> {
    if let Some(id) = single(selected)? {
        let document = session.client.retry_document(id).await?;
        return session.screen.result(&document, &document_line(&document));
    }
    operate(session, selected, Action::Retry).await
}

/// Deletes documents. Who is at a terminal is asked before.
pub async fn delete(session: &Session<'_>, selected: &Selected) -> Result<(), Failure> {
    let one = single(selected)?;
    if !selected.dry_run && !selected.yes && !confirm(session, selected, one).await? {
        session.screen.note("No document matches.");
        return Ok(());
    }
    if let Some(id) = one {
        session.client.delete_document(id).await?;
        let deleted = serde_json::json!({"id": id, "deleted": true});
        return session.screen.result(&deleted, &format!("{id}  deleted"));
    }
    operate(session, selected, Action::Delete).await
}

/// The document, if it is one.
fn single(selected: &Selected) -> Result<Option<Uuid>, Failure> {
    match selection(&selected.ids, &selected.filters, false)? {
        Selection::Ids(ids) if ids.len() == 1 && !selected.dry_run => Ok(ids.first().copied()),
        _ => Ok(None),
    }
}

async fn operate(
    session: &Session<'_>,
    selected: &Selected,
    action: Action,
) -> Result<(), Failure> {
    let mut select = selection(&selected.ids, &selected.filters, false)?;
    if let (Some(status), Selection::Filter(filter)) = (needed(action), &mut select) {
        filter.status.get_or_insert_with(|| status.to_owned());
    }
    let mut operation = NewOperation::new(action, select);
    operation.dry_run = selected.dry_run;
    let operation = session.client.start_operation(&operation).await?;
    let ended = follow(session, operation.id).await?;
    if !ended.dry_run && matches!(action, Action::Archive | Action::Restore) && ended.succeeded > 0
    {
        session
            .screen
            .note(&format!("Undo it with: dsr operation undo {}", ended.id));
    }
    Ok(())
}

/// The status that documents must have, so that others aren't meant by filters.
const fn needed(action: Action) -> Option<&'static str> {
    match action {
        Action::Archive => Some("active"),
        Action::Restore => Some("archived"),
        Action::Retry => Some("error"),
        _ => None,
    }
}

/// Asks whether the documents are to be deleted. Without a terminal, those that are named by ids are.
/// Returns whether there are any.
async fn confirm(
    session: &Session<'_>,
    selected: &Selected,
    one: Option<Uuid>,
) -> Result<bool, Failure> {
    let is_by_filter = selected.ids.is_empty();
    if !session.screen.can_ask() {
        if !is_by_filter {
            return Ok(true);
        }
        return Err(Failure::usage(
            "deleting by filters needs --yes; --dry-run tells what would be deleted",
        ));
    }
    let what = match one {
        Some(id) => named(session, id).await?,
        None if is_by_filter => match matching(session, selected).await? {
            0 => return Ok(false),
            1 => "one document".to_owned(),
            many => format!("{} documents", HumanCount(many)),
        },
        None => format!("{} documents", selected.ids.len()),
    };
    let question = format!("Delete {what} for good?");
    if session.screen.confirms(&question)? {
        return Ok(true);
    }
    Err(Failure::InPart("nothing was deleted".to_owned()))
}

/// A document by name and id. A key that may delete it may be one that doesn't read it.
async fn named(session: &Session<'_>, id: Uuid) -> Result<String, Failure> {
    match session.client.document(id).await {
        Ok(document) => Ok(format!("{} ({id})", document.name)),
        Err(Error::Refused(problem)) if problem.code == "insufficient_scope" => Ok(id.to_string()),
        Err(error) => Err(error.into()),
    }
}

/// How many documents match.
async fn matching(session: &Session<'_>, selected: &Selected) -> Result<u64, Failure> {
    let select = selection(&[], &selected.filters, false)?;
    let mut question = NewOperation::new(Action::Delete, select);
    question.dry_run = true;
    let operation = session.client.start_operation(&question).await?;
    let told = session
        .client
        .wait_for_operation(operation.id, client::PATIENCE)
        .await?;
    Ok(told.succeeded.into())
}
