DROP INDEX operations_kept;
DROP INDEX operations_open;
DROP INDEX operations_finished;
DROP INDEX operations_expired;
ALTER TABLE operations DROP COLUMN expired_at;
