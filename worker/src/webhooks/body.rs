//! The body of a delivery: what the feed tells of the event, in the form of Standard Webhooks.

use bytes::Bytes;
use domain::{Document, Failure, Lifecycle, Operation, RunMode, Timestamp};
use ledger::FeedEvent;
use serde_json::{Map, Value, json};

/// The body of an event.
pub fn message_of_event(event: &FeedEvent) -> Bytes {
    message(event.kind.as_str(), event.at, &data(event))
}

/// The body of a test.
pub fn message_of_test(at: Timestamp) -> Bytes {
    message("webhook.test", at, &json!({}))
}

fn message(kind: &str, at: Timestamp, data: &Value) -> Bytes {
    let message = json!({"type": kind, "timestamp": at.to_string(), "data": data});
    message.to_string().into()
}

/// The member `data` of the feed.
fn data(event: &FeedEvent) -> Value {
    let mut data = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            data.insert(name.to_owned(), value);
        }
    };
    add("document", event.document.as_ref().map(document));
    add("version", event.version.map(Value::from));
    add("code", event.code.clone().map(Value::from));
    add("operation", event.operation.as_ref().map(operation));
    let upload = event.upload.as_ref().map(|upload| {
        json!({"id": upload.id, "name": upload.name, "offset": upload.offset, "length": upload.length})
    });
    add("upload", upload);
    let ticket = event.ticket.as_ref();
    add(
        "ticket",
        ticket.map(|ticket| json!({"id": ticket.id, "uses_left": ticket.uses_left})),
    );
    Value::Object(data)
}

fn document(document: &Document) -> Value {
    let lifecycle = &document.lifecycle;
    let current = lifecycle.current();
    let archived_at = match lifecycle {
        Lifecycle::Archived { since, .. } => Some(since.to_string()),
        _ => None,
    };
    let sha256 = document.sha256;
    json!({
        "id": document.id,
        "owner": document.owner,
        "name": document.name.to_string(),
        "status": lifecycle.status().as_str(),
        "mime_type": current.map(|current| current.media_type.to_string()),
        "declared_type": document.declared_type.as_ref().map(ToString::to_string),
        "type_mismatch": current.is_some_and(|current| current.type_mismatch),
        "size_bytes": document.size.bytes(),
        "sha256": sha256.is_known().then(|| sha256.to_string()),
        "version": current.map(|current| current.version),
        "latest_version": document.latest_version,
        "unique_name": document.visibility.unique_name().map(ToString::to_string),
        "is_public": document.visibility.is_public(),
        "metadata": document.metadata.as_object(),
        "error": lifecycle.failure().map(failure),
        "revision": document.revision,
        "created_at": document.created_at.to_string(),
        "updated_at": document.updated_at.to_string(),
        "archived_at": archived_at,
    })
}

fn failure(failure: &Failure) -> Value {
    json!({
        "code": failure.code.to_string(),
        "detail": failure.detail,
        "retryable": failure.code.is_retryable(),
    })
}

fn operation(operation: &Operation) -> Value {
    let (state, tally) = (&operation.state, operation.tally);
    let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let error = state.failure();
    json!({
        "id": operation.id,
        "action": operation.action.as_str(),
        "status": state.status().as_str(),
        "total": tally.total,
        "succeeded": tally.succeeded,
        "failed": tally.failed,
        "skipped": tally.skipped,
        "dry_run": operation.mode == RunMode::Dry,
        "created_at": operation.created_at.to_string(),
        "started_at": moment(state.started_at()),
        "finished_at": moment(state.finished_at()),
        "error": error.map(|error| json!({"code": error.code.to_string(), "detail": error.detail})),
    })
}
