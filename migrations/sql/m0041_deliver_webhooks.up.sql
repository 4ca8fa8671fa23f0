-- Jobs of the queue `deliver`. SQLite changes a check only with its table.
{postgres}ALTER TABLE jobs DROP CONSTRAINT jobs_queue_check,
    ADD CONSTRAINT jobs_queue_check CHECK (queue IN ('ingest', 'bulk', 'maintenance', 'deliver'));
{sqlite}DROP INDEX jobs_due;
{sqlite}DROP INDEX jobs_finished;
{sqlite}DROP INDEX jobs_waiting;
{sqlite}DROP INDEX jobs_dead;
{sqlite}ALTER TABLE jobs RENAME TO jobs_before;
{sqlite}CREATE TABLE jobs (
    id blob PRIMARY KEY,
    queue text NOT NULL CHECK (queue IN ('ingest', 'bulk', 'maintenance', 'deliver')),
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
-- A random secret of the ledger, from which the keys are derived that seal secrets of users.
ALTER TABLE installation ADD COLUMN secret text;
-- Webhooks: where an owner's events are delivered.
CREATE TABLE webhooks (
    id {uuid} PRIMARY KEY,
    owner_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    url text NOT NULL,
    -- A JSON list of types of events; empty for all.
    types text NOT NULL,
    description text,
    status text NOT NULL CHECK (status IN ('enabled', 'disabled')),
    disabled_reason text,
    -- Sealed, in hexadecimal digits. The one before signs as well until `old_secret_until`.
    secret text NOT NULL,
    old_secret text,
    old_secret_until bigint,
    -- The last event of the owner's feed of which deliveries were made.
    position bigint NOT NULL,
    -- Whether no more deliveries are made until some have ended.
    is_full boolean NOT NULL DEFAULT false,
    -- When the next pending delivery is due.
    due_at bigint,
    -- The job that delivers, or did last.
    job_id {uuid},
    -- Since when no delivery succeeded although some were tried.
    failing_since bigint,
    last_success_at bigint,
    last_failure_at bigint,
    created_at bigint NOT NULL,
    CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL)),
    CHECK ((old_secret IS NULL) = (old_secret_until IS NULL))
);
CREATE INDEX webhooks_of_owner ON webhooks (owner_id, id);
-- Their deliveries: an event for a webhook, or a test.
CREATE TABLE webhook_deliveries (
    id {uuid} PRIMARY KEY,
    webhook_id {uuid} NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    -- The event; none for a test.
    sequence bigint,
    type text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    -- Attempts of the schedule that were made.
    tries bigint NOT NULL,
    next_attempt_at bigint,
    -- A JSON list of the latest attempts.
    attempts text NOT NULL,
    created_at bigint NOT NULL,
    settled_at bigint,
    UNIQUE (webhook_id, sequence),
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CHECK ((status = 'pending') = (settled_at IS NULL))
);
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_of_status ON webhook_deliveries (webhook_id, status, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at, sequence) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (settled_at) WHERE settled_at IS NOT NULL;
