-- Metadata as it was sent, where jsonb writes its numbers in another way. It counts as long as
-- it has the value of the column metadata. SQLite keeps the text as it is.
ALTER TABLE documents ADD COLUMN metadata_text text;
