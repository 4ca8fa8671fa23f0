-- Any part of a name is found by its trigrams. Where pg_trgm can't be had, names are searched
-- along the order of the list, as in SQLite.
{postgres} DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE INDEX documents_by_name_part ON documents USING gin (name_folded gin_trgm_ops); EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN RAISE NOTICE 'pg_trgm is not available'; END $$;
