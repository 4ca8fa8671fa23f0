-- Trigrams find any part of a name. Without pg_trgm, names are filtered along the sort index, as in
-- SQLite.
{postgres} DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE INDEX documents_by_name_part ON documents USING gin (name_folded gin_trgm_ops); EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN RAISE NOTICE 'pg_trgm is not available'; END $$;
