-- The bytes of undo data in the items of an operation.
ALTER TABLE operations ADD COLUMN before_bytes bigint NOT NULL DEFAULT 0;
CREATE INDEX operations_with_before ON operations (owner_id, before_bytes) WHERE before_bytes > 0;
-- For an item that undoes another one: the position of that one, which has the previous state of
-- the document.
ALTER TABLE operation_items ADD COLUMN undoes_position bigint;
