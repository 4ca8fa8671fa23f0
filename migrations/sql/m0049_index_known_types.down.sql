DROP INDEX documents_by_type;
CREATE INDEX documents_by_type ON documents (owner_id, mime_type, created_at, id);
DROP INDEX documents_by_family;
{postgres} CREATE INDEX documents_by_family ON documents (owner_id, split_part(mime_type, '/', 1), created_at, id);
{sqlite} CREATE INDEX documents_by_family ON documents (owner_id, substr(mime_type, 1, instr(mime_type, '/') - 1), created_at, id);
{postgres} DROP INDEX documents_by_metadata;
{postgres} CREATE INDEX documents_by_metadata ON documents USING gin (metadata jsonb_path_ops);
