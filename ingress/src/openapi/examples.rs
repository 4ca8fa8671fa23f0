//! Examples in the OpenAPI document, one for each schema of documents.

use serde_json::{Value, json};

/// Adds them to the schemas.
pub fn add_examples(document: &mut Value) {
    for (shape, example) in examples() {
        if let Some(schema) = document["components"]["schemas"].get_mut(shape) {
            schema["example"] = example;
        }
    }
}

const ID: &str = "0192aaaa-5e1f-7c1e-9d0a-1b2c3d4e5f60";
const AT: &str = "2026-01-31T12:00:00.123456Z";
const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn examples() -> Vec<(&'static str, Value)> {
    [documents(), operations(), work()].concat()
}

fn operations() -> Vec<(&'static str, Value)> {
    vec![
        (
            "PlainOperation",
            json!({"action": "archive", "select": {"ids": [ID]}, "dry_run": false}),
        ),
        (
            "UpdateOperation",
            json!({
                "action": "update", "select": {"filter": {"name": "report", "status": "active"}},
                "changes": {"metadata": {"year": 2026}}, "dry_run": true,
            }),
        ),
        (
            "Operation",
            json!({
                "id": ID, "action": "archive", "status": "completed", "total": 3, "succeeded": 1,
                "failed": 1, "skipped": 1, "dry_run": false, "created_at": AT, "started_at": AT,
                "finished_at": AT, "error": null,
            }),
        ),
        (
            "OperationItem",
            json!({
                "document_id": ID, "name": "report.pdf", "result": "failed",
                "code": "illegal_transition", "detail": "A document that is pending can't be archived.",
            }),
        ),
    ]
}

fn work() -> Vec<(&'static str, Value)> {
    vec![
        (
            "Queue",
            json!({
                "queue": "ingest", "depth": 12, "running": 4, "dead": 0, "oldest_seconds": 0.4,
                "paused": true, "paused_at": AT, "waits_for": ["store"],
            }),
        ),
        (
            "Job",
            json!({
                "id": ID, "queue": "ingest", "kind": "process_version", "state": "dead",
                "subject": "0192aaaa-0000-7000-8000-000000000002", "attempts": 8,
                "last_error": "storage could not open: connection refused", "created_at": AT,
            }),
        ),
        (
            "Worker",
            json!({"name": "host-1-0a1b2c3d", "queues": ["ingest"], "running": 4, "last_seen": AT}),
        ),
    ]
}

fn documents() -> Vec<(&'static str, Value)> {
    vec![
        (
            "Document",
            json!({
                "id": ID, "owner": "0192aaaa-0000-7000-8000-000000000001", "name": "report.pdf",
                "status": "active", "mime_type": "application/pdf", "declared_type": "application/pdf",
                "type_mismatch": false, "size_bytes": 48_213, "sha256": SHA256, "version": 1,
                "latest_version": 1, "unique_name": "annual-report", "is_public": true,
                "metadata": {"year": 2026}, "error": null, "revision": 2, "created_at": AT,
                "updated_at": AT, "archived_at": null,
            }),
        ),
        (
            "Version",
            json!({
                "number": 1, "status": "active", "mime_type": "application/pdf", "declared_type": null,
                "type_mismatch": false, "size_bytes": 48_213, "sha256": SHA256, "error": null,
                "created_at": AT,
            }),
        ),
        (
            "PublicDocument",
            json!({
                "unique_name": "annual-report", "name": "report.pdf", "mime_type": "application/pdf",
                "size_bytes": 48_213, "sha256": SHA256, "updated_at": AT,
            }),
        ),
        (
            "Usage",
            json!({
                "documents": {"total": 3, "pending": 0, "active": 2, "archived": 1, "error": 0},
                "bytes": {"used": 144_639, "reserved": 0, "limit": 10_737_418_240_u64},
                "document_limit": 1_000_000,
                "by_type": [{"mime_type": "application/pdf", "documents": 3, "bytes": 144_639}],
            }),
        ),
        (
            "TimelineEntry",
            json!({
                "at": AT, "kind": "activated", "version": 1, "attempt": 1, "duration_ms": 12,
                "worker": "worker-1", "code": null,
            }),
        ),
        (
            "Problem",
            json!({
                "type": "/problems/invalid", "title": "Invalid", "status": 422,
                "detail": "/name must have 1 to 255 characters, not 0.", "code": "invalid",
                "request_id": "5d4f1d3c2b1a49d8a7e6f5b4c3d2e1f0",
                "errors": [{"pointer": "/name", "detail": "must have 1 to 255 characters, not 0"}],
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tests::app::App;

    #[tokio::test]
    async fn an_example_has_every_member_of_its_shape_and_no_other() {
        let app = App::start().await;
        let document = app.nobody().get("/openapi.json").await.json();
        for (shape, example) in examples() {
            let schema = &document["components"]["schemas"][shape];
            assert_eq!(schema["example"], example, "{shape}");
            let known: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().collect();
            let shown: BTreeSet<_> = example.as_object().unwrap().keys().collect();
            let missing: Vec<_> = known.symmetric_difference(&shown).collect();
            // Only with `Prefer: wait`.
            assert!(
                missing.iter().all(|member| **member == "document_id"),
                "{shape}: {missing:?}"
            );
        }
    }
}
