-- Times are microseconds since 1970 and digests lower-case hexadecimal, so
-- that both databases compare them alike.

CREATE TABLE users (
    id {uuid} PRIMARY KEY,
    name {name} NOT NULL UNIQUE,
    role text NOT NULL CHECK (role IN ('user', 'admin')),
    quota_bytes bigint CHECK (quota_bytes >= 0),
    quota_documents bigint CHECK (quota_documents >= 0),
    used_bytes bigint NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
    reserved_bytes bigint NOT NULL DEFAULT 0 CHECK (reserved_bytes >= 0),
    used_documents bigint NOT NULL DEFAULT 0 CHECK (used_documents >= 0),
    created_at bigint NOT NULL
);

CREATE TABLE api_keys (
    id {uuid} PRIMARY KEY,
    user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash text NOT NULL UNIQUE,
    origin text NOT NULL CHECK (origin IN ('issued', 'bootstrap')),
    created_at bigint NOT NULL
);
CREATE INDEX api_keys_of_user ON api_keys (user_id, id);

CREATE TABLE blobs (
    id {uuid} PRIMARY KEY,
    sha256 text NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    storage_url text NOT NULL,
    refs bigint NOT NULL CHECK (refs >= 0),
    created_at bigint NOT NULL,
    UNIQUE (sha256, size_bytes)
);

CREATE TABLE documents (
    id {uuid} PRIMARY KEY,
    owner_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name {name} NOT NULL,
    -- The name without letter case, for searches.
    name_folded {name} NOT NULL,
    unique_name {name} UNIQUE,
    is_public boolean NOT NULL,
    metadata {json} NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'active', 'archived', 'error')),
    declared_type text,
    mime_type text,
    type_mismatch boolean NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    sha256 text NOT NULL,
    version bigint,
    latest_version bigint NOT NULL,
    storage_url text,
    error_code text,
    error_detail text,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    archived_at bigint,
    CHECK (NOT is_public OR unique_name IS NOT NULL),
    CHECK ((status IN ('active', 'archived')) = (version IS NOT NULL)),
    CHECK ((version IS NULL) = (mime_type IS NULL)),
    CHECK ((version IS NULL) = (storage_url IS NULL)),
    CHECK (version IS NULL OR version <= latest_version),
    CHECK ((status = 'error') = (error_code IS NOT NULL)),
    CHECK ((status = 'archived') = (archived_at IS NOT NULL))
);
CREATE INDEX documents_by_creation ON documents (owner_id, created_at, id);
CREATE INDEX documents_by_update ON documents (owner_id, updated_at, id);
CREATE INDEX documents_by_name ON documents (owner_id, name, id);
CREATE INDEX documents_by_size ON documents (owner_id, size_bytes, id);

CREATE TABLE versions (
    id {uuid} PRIMARY KEY,
    document_id {uuid} NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    owner_id {uuid} NOT NULL,
    number bigint NOT NULL CHECK (number >= 1),
    status text NOT NULL CHECK (status IN ('pending', 'active', 'error')),
    name text NOT NULL,
    declared_type text,
    mime_type text,
    type_mismatch boolean NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    sha256 text NOT NULL,
    staged_url text,
    blob_id {uuid} REFERENCES blobs (id),
    error_code text,
    error_detail text,
    created_at bigint NOT NULL,
    settled_at bigint,
    UNIQUE (document_id, number),
    CHECK (status <> 'pending' OR staged_url IS NOT NULL),
    CHECK ((status = 'active') = (blob_id IS NOT NULL)),
    CHECK ((status = 'active') = (mime_type IS NOT NULL)),
    CHECK ((status = 'error') = (error_code IS NOT NULL)),
    CHECK ((status = 'pending') = (settled_at IS NULL))
);
CREATE INDEX versions_of_blob ON versions (blob_id);
CREATE INDEX versions_staged ON versions (staged_url) WHERE staged_url IS NOT NULL;

CREATE TABLE jobs (
    id {uuid} PRIMARY KEY,
    queue text NOT NULL CHECK (queue IN ('ingest', 'bulk', 'maintenance')),
    kind text NOT NULL,
    subject_id {uuid},
    owner_id {uuid} NOT NULL,
    dedupe_key text UNIQUE,
    state text NOT NULL CHECK (state IN ('ready', 'running', 'done', 'dead')),
    attempts bigint NOT NULL DEFAULT 0,
    max_attempts bigint NOT NULL,
    run_at bigint NOT NULL,
    fence bigint NOT NULL DEFAULT 0,
    worker text,
    traceparent text,
    last_error text,
    created_at bigint NOT NULL,
    finished_at bigint,
    CHECK ((state = 'running') = (worker IS NOT NULL)),
    CHECK ((state IN ('done', 'dead')) = (finished_at IS NOT NULL))
);
CREATE INDEX jobs_due ON jobs (queue, owner_id, run_at) WHERE state IN ('ready', 'running');
CREATE INDEX jobs_finished ON jobs (state, finished_at) WHERE state IN ('done', 'dead');

CREATE TABLE events (
    sequence {sequence},
    owner_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    document_id {uuid} NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    kind text NOT NULL,
    data {json} NOT NULL,
    at bigint NOT NULL
);
CREATE INDEX events_of_document ON events (document_id, sequence);
CREATE INDEX events_of_owner ON events (owner_id, sequence);

-- Bytes that no row refers to any more: recorded by the transaction that removes the last
-- reference, and removed by a job, so that a crash in between leaves no orphan.
CREATE TABLE discards (
    url text PRIMARY KEY,
    at bigint NOT NULL
);
