-- Requests with an idempotency key, and what was answered.
CREATE TABLE idempotency (
    owner_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key text NOT NULL,
    request_hash text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done')),
    -- Counts the processes that took it up; only the last one may say how it ended.
    fence bigint NOT NULL,
    -- The id of what the request makes, chosen before it is made.
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
