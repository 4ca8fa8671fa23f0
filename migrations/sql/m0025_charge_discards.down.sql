DROP INDEX users_with_discards;
ALTER TABLE users DROP COLUMN discarded_bytes;
DROP INDEX discards_of_owner;
ALTER TABLE discards DROP COLUMN charged_bytes;
ALTER TABLE discards DROP COLUMN owner_id;
