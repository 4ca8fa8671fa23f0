-- What is pending has no type yet: it enters these indexes once, when it becomes active.
DROP INDEX documents_by_type;
CREATE INDEX documents_by_type ON documents (owner_id, mime_type, created_at, id) WHERE mime_type IS NOT NULL;
DROP INDEX documents_by_family;
{postgres} CREATE INDEX documents_by_family ON documents (owner_id, split_part(mime_type, '/', 1), created_at, id) WHERE mime_type IS NOT NULL;
{sqlite} CREATE INDEX documents_by_family ON documents (owner_id, substr(mime_type, 1, instr(mime_type, '/') - 1), created_at, id) WHERE mime_type IS NOT NULL;
-- Most documents have no metadata to be found by.
{postgres} DROP INDEX documents_by_metadata;
{postgres} CREATE INDEX documents_by_metadata ON documents USING gin (metadata jsonb_path_ops) WHERE metadata <> '{}'::jsonb;
