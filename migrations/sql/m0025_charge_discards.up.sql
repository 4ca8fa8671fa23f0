-- The user, if any, who discarded the bytes, and what they are charged until these are removed.
-- Users who are deleted meanwhile are no longer charged.
ALTER TABLE discards ADD COLUMN owner_id {uuid};
ALTER TABLE discards ADD COLUMN charged_bytes bigint NOT NULL DEFAULT 0;
CREATE INDEX discards_of_owner ON discards (owner_id) WHERE owner_id IS NOT NULL;
-- The sum of these charges. A release that doesn't know it may run at the same time, so the removal
-- of discarded bytes recounts it for users who have none left.
ALTER TABLE users ADD COLUMN discarded_bytes bigint NOT NULL DEFAULT 0;
CREATE INDEX users_with_discards ON users (id) WHERE discarded_bytes <> 0;
