-- When the time of a finished operation was over: nobody sees it any more, and its rows go in batches.
ALTER TABLE operations ADD COLUMN expired_at bigint;
CREATE INDEX operations_expired ON operations (expired_at) WHERE expired_at IS NOT NULL;
-- Those that have ended, apart from those that only take another one back and go with it.
CREATE INDEX operations_finished ON operations (finished_at) WHERE finished_at IS NOT NULL AND expired_at IS NULL AND undoes IS NULL;
-- How many an owner has open, and how much all of theirs hold.
CREATE INDEX operations_open ON operations (owner_id) WHERE status IN ('pending', 'running');
CREATE INDEX operations_kept ON operations (owner_id, id, total);
