//! Prints events as they happen.

use client::{Event, EventQuery};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::cli::Watch;
use crate::failure::Failure;
use crate::output::moment;
use crate::session::Session;

/// Prints events until there were enough or Ctrl-C is pressed.
pub async fn watch(session: &Session<'_>, watch: Watch) -> Result<(), Failure> {
    let session = &session.of(&watch.of).await?;
    let after = match (watch.after, watch.all) {
        (Some(after), _) => Some(after),
        (None, true) => None,
        (None, false) => Some("now".to_owned()),
    };
    let query = EventQuery {
        after,
        types: watch.types,
        document: watch.document,
    };
    session.screen.note("Watching; Ctrl-C ends.");
    let limit = watch.limit.unwrap_or(usize::MAX);
    let mut events = session.client.events(&query).take(limit);
    while let Some(event) = events.try_next().await? {
        session.screen.result(&event, &line(&event))?;
    }
    Ok(())
}

/// An event in one line.
fn line(event: &Event) -> String {
    let mut parts = vec![moment(event.at), format!("{:<26}", event.kind)];
    let id = event.document_id.or(event.operation_id);
    parts.extend(id.map(|id| id.to_string()));
    let data = &event.data;
    parts.extend(data.operation.as_ref().map(|operation| {
        format!(
            "{:?}, {} of {}",
            operation.action, operation.succeeded, operation.total
        )
        .to_lowercase()
    }));
    parts.extend(data.version.map(|version| format!("v{version}")));
    parts.extend(data.document.as_ref().map(|document| document.name.clone()));
    parts.extend(data.code.clone());
    parts.join("  ")
}
