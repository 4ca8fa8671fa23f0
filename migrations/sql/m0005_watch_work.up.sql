-- Heartbeats of workers, sent every few seconds.
CREATE TABLE workers (
    name {name} PRIMARY KEY,
    queues text NOT NULL,
    running bigint NOT NULL CHECK (running >= 0),
    last_seen bigint NOT NULL
);
-- The oldest waiting job of a queue. Its condition differs from that of a claim, so that claims
-- never use this index.
CREATE INDEX jobs_waiting ON jobs (queue, run_at) WHERE state = 'ready';
CREATE INDEX jobs_dead ON jobs (id) WHERE state = 'dead';
CREATE INDEX versions_pending ON versions (created_at) WHERE status = 'pending';
