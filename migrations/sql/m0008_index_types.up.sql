-- Documents of a rare type are found without scanning the others, newest first.
CREATE INDEX documents_by_type ON documents (owner_id, mime_type, created_at, id);
{postgres} CREATE INDEX documents_by_family ON documents (owner_id, split_part(mime_type, '/', 1), created_at, id);
{sqlite} CREATE INDEX documents_by_family ON documents (owner_id, substr(mime_type, 1, instr(mime_type, '/') - 1), created_at, id);
