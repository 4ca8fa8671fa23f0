-- Bulk operations, and the results of their items.
CREATE TABLE operations (
    id {uuid} PRIMARY KEY,
    owner_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    action text NOT NULL CHECK (action IN ('archive', 'restore', 'delete', 'update', 'retry', 'export', 'import', 'undo')),
    status text NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'cancelled', 'error')),
    dry_run boolean NOT NULL,
    -- Parameters of the action, such as the changes of an update.
    options {json} NOT NULL,
    -- The operation that this one undoes; each is undone once.
    undoes {uuid} UNIQUE REFERENCES operations (id) ON DELETE CASCADE,
    cancel_requested boolean NOT NULL,
    total bigint NOT NULL CHECK (total >= 0),
    succeeded bigint NOT NULL CHECK (succeeded >= 0),
    failed bigint NOT NULL CHECK (failed >= 0),
    skipped bigint NOT NULL CHECK (skipped >= 0),
    -- Items before this position have been processed.
    next_position bigint NOT NULL CHECK (next_position >= 0),
    error_code text,
    error_detail text,
    created_at bigint NOT NULL,
    started_at bigint,
    finished_at bigint,
    -- The archive of an import, until it has been unpacked.
    source_url text,
    -- The archive of an export, until it expires.
    result_url text,
    result_size bigint CHECK (result_size >= 0),
    result_sha256 text,
    result_expires_at bigint,
    CHECK ((action = 'undo') = (undoes IS NOT NULL)),
    CHECK ((status = 'pending') = (started_at IS NULL)),
    CHECK ((status IN ('completed', 'cancelled', 'error')) = (finished_at IS NOT NULL)),
    CHECK ((status = 'error') = (error_code IS NOT NULL)),
    CHECK ((error_code IS NULL) = (error_detail IS NULL)),
    CHECK (status <> 'cancelled' OR cancel_requested),
    CHECK (succeeded + failed + skipped <= total),
    CHECK (status NOT IN ('completed', 'cancelled') OR succeeded + failed + skipped = total),
    CHECK (source_url IS NULL OR action = 'import'),
    CHECK (result_url IS NULL OR action = 'export'),
    CHECK ((result_url IS NULL) = (result_size IS NULL)),
    CHECK ((result_url IS NULL) = (result_sha256 IS NULL)),
    CHECK ((result_url IS NULL) = (result_expires_at IS NULL))
);
CREATE INDEX operations_of_owner ON operations (owner_id, id);
CREATE INDEX operations_unfinished ON operations (id) WHERE status IN ('pending', 'running');
CREATE INDEX operations_with_result ON operations (result_expires_at) WHERE result_expires_at IS NOT NULL;
CREATE INDEX operations_with_source ON operations (source_url) WHERE source_url IS NOT NULL;

CREATE TABLE operation_items (
    operation_id {uuid} NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
    position bigint NOT NULL CHECK (position >= 0),
    -- No reference: an item outlives its document. None before an import has made it.
    document_id {uuid},
    name text,
    result text NOT NULL CHECK (result IN ('pending', 'succeeded', 'failed', 'skipped')),
    code text,
    detail text,
    -- The document's state before the change, and its revision after it, for an undo.
    before {json},
    revision bigint,
    -- The number of the version that an import created.
    version bigint,
    -- The entry of the archive that an import reads.
    entry {json},
    PRIMARY KEY (operation_id, position),
    CHECK (result <> 'failed' OR code IS NOT NULL),
    CHECK (result <> 'pending' OR code IS NULL),
    CHECK ((code IS NULL) = (detail IS NULL))
);
-- Failures are rare among many successes.
CREATE INDEX operation_items_not_done ON operation_items (operation_id, result, position)
    WHERE result IN ('failed', 'skipped');
