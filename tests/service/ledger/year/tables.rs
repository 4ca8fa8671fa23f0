//! What bounds each table of the schema: whoever adds one says it here.

/// What bounds each table, and how many rows more it may have than at another time.
pub const TABLES: &[(&str, &str, i64)] = &[
    ("api_keys", "made and removed by admins", 0),
    // A year's worth; there is none from before.
    ("audit_log", "DOSSIER_KEEP_AUDIT_LOG", 1_000),
    ("blobs", "content that versions refer to", 0),
    ("cleanup_positions", "a row for each walk of the cleanup", 0),
    ("discards", "bytes that are being removed", 0),
    ("document_numbers", "a row for each document", 0),
    ("document_words", "a row for each document", 0),
    ("document_words_config", "settings of FTS5", 0),
    // FTS5 merges them when it sees fit.
    ("document_words_data", "words of documents", 100),
    ("document_words_docsize", "a row for each document", 0),
    ("document_words_idx", "words of documents", 100),
    (
        "documents",
        "the document limit; failed ones by DOSSIER_KEEP_FAILURES",
        0,
    ),
    // A step of an attempt may be told after the timeline was trimmed, and stays until the next
    // run. One more each month would be more than this.
    (
        "events",
        "DOSSIER_KEEP_EVENTS, and so many of each document",
        4,
    ),
    ("idempotency", "24 hours", 0),
    ("identities", "made and removed by admins and issuers", 0),
    ("installation", "one row", 0),
    // The schedule of the worker ticks by the system's clock.
    (
        "jobs",
        "an hour, with a key 48 hours, dead ones DOSSIER_KEEP_DEAD_JOBS_FOR",
        60,
    ),
    (
        "operation_items",
        "DOSSIER_KEEP_OPERATIONS and DOSSIER_MAX_OPERATION_ITEMS",
        0,
    ),
    (
        "operations",
        "DOSSIER_KEEP_OPERATIONS and DOSSIER_MAX_OPERATIONS",
        0,
    ),
    ("places", "places that an operator has configured", 0),
    ("quarantine", "DOSSIER_KEEP_QUARANTINED_FOR", 0),
    ("queue_pauses", "a row for each queue", 0),
    ("schema_compatibility", "a row for each schema", 0),
    ("seaql_migrations", "a row for each migration", 0),
    ("signing_keys", "a row for each key of an operator", 0),
    ("storage_moves", "the latest hundred", 0),
    ("ticket_documents", "a row for each document at most", 0),
    ("tickets", "1,000 of a user, for DOSSIER_KEEP_OPERATIONS", 0),
    ("upload_grants", "uploads that are under way", 0),
    (
        "uploads",
        "DOSSIER_MAX_OPEN_UPLOADS, and 1,000 ended ones of a user for DOSSIER_UPLOAD_EXPIRES",
        0,
    ),
    ("users", "made and removed by admins and issuers", 0),
    (
        "versions",
        "quota and DOSSIER_KEEP_VERSIONS; failed ones by DOSSIER_KEEP_FAILURES",
        0,
    ),
    (
        "webhook_deliveries",
        "1,000 pending and 10,000 ended ones of a webhook, for DOSSIER_KEEP_EVENTS",
        0,
    ),
    ("webhooks", "20 of a user", 0),
    // One that the turned clock made silent may not have been forgotten yet.
    ("workers", "half a minute without a sign of life", 2),
    ("write_checks", "one row", 0),
];

#[test]
fn every_table_is_named_once() {
    let names: Vec<_> = TABLES.iter().map(|(name, ..)| name).collect();
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
}
