ALTER TABLE operation_items DROP COLUMN undoes_position;
DROP INDEX operations_with_before;
ALTER TABLE operations DROP COLUMN before_bytes;
