-- The text of metadata whose numbers jsonb writes differently. It is used as long as it has the
-- value of the column metadata. SQLite keeps the text as it is.
ALTER TABLE documents ADD COLUMN metadata_text text;
