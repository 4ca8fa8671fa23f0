DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
ALTER TABLE installation DROP COLUMN secret;
DELETE FROM jobs WHERE queue = 'deliver';
{postgres}ALTER TABLE jobs DROP CONSTRAINT jobs_queue_check,
    ADD CONSTRAINT jobs_queue_check CHECK (queue IN ('ingest', 'bulk', 'maintenance'));
{sqlite}DROP INDEX jobs_due;
{sqlite}DROP INDEX jobs_finished;
{sqlite}DROP INDEX jobs_waiting;
{sqlite}DROP INDEX jobs_dead;
{sqlite}ALTER TABLE jobs RENAME TO jobs_before;
{sqlite}CREATE TABLE jobs (
    id blob PRIMARY KEY,
    queue text NOT NULL CHECK (queue IN ('ingest', 'bulk', 'maintenance')),
    kind text NOT NULL,
    subject_id blob,
    owner_id blob NOT NULL,
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
{sqlite}INSERT INTO jobs SELECT id, queue, kind, subject_id, owner_id, dedupe_key, state, attempts, max_attempts,
    run_at, fence, worker, traceparent, last_error, created_at, finished_at FROM jobs_before;
{sqlite}DROP TABLE jobs_before;
{sqlite}CREATE INDEX jobs_due ON jobs (queue, owner_id, run_at) WHERE state IN ('ready', 'running');
{sqlite}CREATE INDEX jobs_finished ON jobs (state, finished_at) WHERE state IN ('done', 'dead');
{sqlite}CREATE INDEX jobs_waiting ON jobs (queue, run_at) WHERE state = 'ready';
{sqlite}CREATE INDEX jobs_dead ON jobs (id) WHERE state = 'dead';
