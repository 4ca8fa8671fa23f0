-- Until when the process that runs a request may still find a better answer than the one that
-- was kept with its change.
ALTER TABLE idempotency ADD COLUMN open_until bigint;
