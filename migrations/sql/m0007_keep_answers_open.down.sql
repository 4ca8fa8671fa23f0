ALTER TABLE idempotency DROP COLUMN open_until;
