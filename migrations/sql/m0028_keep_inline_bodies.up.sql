-- The bytes of a small upload, until a worker has stored them. While they are here, nothing lies at
-- `staged_url`; they go when it goes.
ALTER TABLE versions ADD COLUMN body {bytes};
-- What was uploaded is compressed already, or not worth the time.
{postgres} ALTER TABLE versions ALTER COLUMN body SET STORAGE EXTERNAL;
