CREATE TABLE storage_moves (
    id {uuid} PRIMARY KEY,
    from_url text NOT NULL,
    to_url text NOT NULL,
    status text NOT NULL CHECK (status IN ('running', 'completed', 'cancelled', 'error')),
    rate_bytes bigint CHECK (rate_bytes > 0),
    -- The URL up to which objects were visited.
    cursor_url text NOT NULL,
    objects bigint NOT NULL,
    moved bigint NOT NULL,
    bytes bigint NOT NULL,
    moved_bytes bigint NOT NULL,
    failed bigint NOT NULL,
    created_at bigint NOT NULL,
    finished_at bigint,
    CHECK ((status = 'running') = (finished_at IS NULL))
);
-- One at a time.
CREATE UNIQUE INDEX storage_moves_running ON storage_moves (status) WHERE status = 'running';
