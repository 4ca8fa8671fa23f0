-- Who let go of the bytes, if it was a user, and what they are charged until the bytes are removed.
-- Those who are deleted meanwhile are charged no more.
ALTER TABLE discards ADD COLUMN owner_id {uuid};
ALTER TABLE discards ADD COLUMN charged_bytes bigint NOT NULL DEFAULT 0;
CREATE INDEX discards_of_owner ON discards (owner_id) WHERE owner_id IS NOT NULL;
-- The sum of it. A release that doesn't know it may run beside one that does: the removal of
-- discarded bytes counts it anew for those who have none left.
ALTER TABLE users ADD COLUMN discarded_bytes bigint NOT NULL DEFAULT 0;
CREATE INDEX users_with_discards ON users (id) WHERE discarded_bytes <> 0;
