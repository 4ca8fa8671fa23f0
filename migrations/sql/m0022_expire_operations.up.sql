-- When a finished operation expired: it is hidden, and its rows are removed in batches.
ALTER TABLE operations ADD COLUMN expired_at bigint;
CREATE INDEX operations_expired ON operations (expired_at) WHERE expired_at IS NOT NULL;
-- Finished operations, except undos, which are removed with the operation they undid.
CREATE INDEX operations_finished ON operations (finished_at) WHERE finished_at IS NOT NULL AND expired_at IS NULL AND undoes IS NULL;
-- The number of unfinished operations of an owner, and the size of all of theirs.
CREATE INDEX operations_open ON operations (owner_id) WHERE status IN ('pending', 'running');
CREATE INDEX operations_kept ON operations (owner_id, id, total);
