-- Requests with an idempotency key, and their responses.
CREATE TABLE idempotency (
    owner_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key text NOT NULL,
    request_hash text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done')),
    -- The number of processes that claimed it; only the last one may store the response.
    fence bigint NOT NULL,
    -- The id of the object that the request creates, chosen beforehand.
    subject_id {uuid} NOT NULL,
    status bigint,
    headers {json},
    body {bytes},
    created_at bigint NOT NULL,
    begun_at bigint NOT NULL,
    PRIMARY KEY (owner_id, key),
    CHECK ((state = 'done') = (status IS NOT NULL)),
    CHECK ((state = 'done') = (headers IS NOT NULL)),
    CHECK ((state = 'done') = (body IS NOT NULL))
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
