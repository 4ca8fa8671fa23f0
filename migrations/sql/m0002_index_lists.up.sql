-- Metadata containment; SQLite has no index of this kind.
{postgres} CREATE INDEX documents_by_metadata ON documents USING gin (metadata jsonb_path_ops);
-- Rare rows are found without scanning the others.
CREATE INDEX documents_not_active ON documents (owner_id, status, created_at, id) WHERE status <> 'active';
CREATE INDEX documents_public ON documents (owner_id, created_at, id) WHERE is_public;
-- Documents whose versions may have to be pruned.
CREATE INDEX documents_with_history ON documents (latest_version) WHERE latest_version > 1;
