ALTER TABLE documents DROP COLUMN metadata_text;
