-- Until when the process that runs a request may replace the response that was stored with its
-- change.
ALTER TABLE idempotency ADD COLUMN open_until bigint;
