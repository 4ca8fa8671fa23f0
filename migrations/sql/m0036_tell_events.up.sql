-- Events are one log: the timeline of a document (`kind`) and the feed of its owner (`type`). They
-- outlive what they tell of, so they refer to nothing by a constraint.
{postgres}ALTER TABLE events DROP CONSTRAINT events_owner_id_fkey, DROP CONSTRAINT events_document_id_fkey,
    ALTER COLUMN document_id DROP NOT NULL, ALTER COLUMN kind DROP NOT NULL,
    ADD COLUMN operation_id uuid, ADD COLUMN type text, ADD COLUMN shape text;
DROP INDEX events_of_document;
DROP INDEX events_of_owner;
{sqlite}ALTER TABLE events RENAME TO events_before;
{sqlite}CREATE TABLE events (
    sequence integer PRIMARY KEY AUTOINCREMENT,
    owner_id blob NOT NULL,
    document_id blob,
    kind text,
    data text NOT NULL,
    at bigint NOT NULL,
    operation_id blob,
    type text,
    shape text
);
-- Numbers go on where they were: positions of the cleanup refer to them.
{sqlite}INSERT INTO sqlite_sequence (name, seq) SELECT 'events', seq FROM sqlite_sequence WHERE name = 'events_before';
{sqlite}INSERT INTO events (sequence, owner_id, document_id, kind, data, at)
    SELECT sequence, owner_id, document_id, kind, data, at FROM events_before;
{sqlite}DROP TABLE events_before;
CREATE INDEX events_of_document ON events (document_id, sequence) WHERE document_id IS NOT NULL;
CREATE INDEX events_of_owner ON events (owner_id, sequence) WHERE type IS NOT NULL;
-- The newest event of the user's feed that was removed: whoever has read up to an older one has
-- missed some.
ALTER TABLE users ADD COLUMN events_floor bigint NOT NULL DEFAULT 0;
