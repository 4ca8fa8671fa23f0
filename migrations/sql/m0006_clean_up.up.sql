-- Stored bytes that no row refers to: they are kept in place for a while, then discarded.
CREATE TABLE quarantine (
    url {name} PRIMARY KEY,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    since bigint NOT NULL
);
CREATE INDEX quarantine_by_age ON quarantine (since);
-- In bytewise order, as storage lists its objects.
CREATE INDEX blobs_by_url ON blobs (storage_url {bytewise});
DROP INDEX versions_staged;
CREATE INDEX versions_staged ON versions (staged_url {bytewise}) WHERE staged_url IS NOT NULL;
CREATE INDEX operations_by_source ON operations (source_url {bytewise}) WHERE source_url IS NOT NULL;
CREATE INDEX operations_by_result ON operations (result_url {bytewise}) WHERE result_url IS NOT NULL;
-- Rows with a retention period.
CREATE INDEX versions_failed ON versions (settled_at) WHERE status = 'error' AND staged_url IS NOT NULL;
CREATE INDEX documents_archived ON documents (archived_at) WHERE archived_at IS NOT NULL;
-- Scanned in the order of ids, to prune versions.
DROP INDEX documents_with_history;
CREATE INDEX documents_with_history ON documents (id) WHERE latest_version > 1;
