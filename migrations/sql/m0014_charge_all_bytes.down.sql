DROP TABLE upload_grants;
ALTER TABLE operations DROP COLUMN held_bytes;
ALTER TABLE operations DROP COLUMN source_size;
ALTER TABLE users DROP COLUMN failed_versions;
ALTER TABLE users DROP COLUMN result_bytes;
ALTER TABLE users DROP COLUMN staging_bytes;
