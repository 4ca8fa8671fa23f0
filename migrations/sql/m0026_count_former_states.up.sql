-- How many bytes the items of an operation have of what documents were, for those who count them.
ALTER TABLE operations ADD COLUMN before_bytes bigint NOT NULL DEFAULT 0;
CREATE INDEX operations_with_before ON operations (owner_id, before_bytes) WHERE before_bytes > 0;
-- Of an item that takes another one back: the position of that one, where it is read what its
-- document was.
ALTER TABLE operation_items ADD COLUMN undoes_position bigint;
