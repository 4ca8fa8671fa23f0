ALTER TABLE users DROP COLUMN events_floor;
DROP INDEX events_of_owner;
DROP INDEX events_of_document;
DELETE FROM events WHERE kind IS NULL OR document_id NOT IN (SELECT id FROM documents);
DELETE FROM events WHERE document_id IS NULL OR owner_id NOT IN (SELECT id FROM users);
{postgres}ALTER TABLE events DROP COLUMN operation_id, DROP COLUMN type, DROP COLUMN shape,
    ALTER COLUMN document_id SET NOT NULL, ALTER COLUMN kind SET NOT NULL,
    ADD CONSTRAINT events_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE,
    ADD CONSTRAINT events_document_id_fkey FOREIGN KEY (document_id) REFERENCES documents (id) ON DELETE CASCADE;
{sqlite}ALTER TABLE events RENAME TO events_before;
{sqlite}CREATE TABLE events (
    sequence integer PRIMARY KEY AUTOINCREMENT,
    owner_id blob NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    document_id blob NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    kind text NOT NULL,
    data text NOT NULL,
    at bigint NOT NULL
);
{sqlite}INSERT INTO sqlite_sequence (name, seq) SELECT 'events', seq FROM sqlite_sequence WHERE name = 'events_before';
{sqlite}INSERT INTO events (sequence, owner_id, document_id, kind, data, at)
    SELECT sequence, owner_id, document_id, kind, data, at FROM events_before;
{sqlite}DROP TABLE events_before;
CREATE INDEX events_of_document ON events (document_id, sequence);
CREATE INDEX events_of_owner ON events (owner_id, sequence);
