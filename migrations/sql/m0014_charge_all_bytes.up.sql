-- Archives of imports, and staged bytes of failed versions. A release that doesn't know these
-- counters may run at the same time, so they may drift until they are recounted.
ALTER TABLE users ADD COLUMN staging_bytes bigint NOT NULL DEFAULT 0;
-- Archives of exports, finished or being written.
ALTER TABLE users ADD COLUMN result_bytes bigint NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN failed_versions bigint NOT NULL DEFAULT 0;
-- The length of the archive at source_url.
ALTER TABLE operations ADD COLUMN source_size bigint NOT NULL DEFAULT 0;
-- Bytes reserved by the running job: of the quota for the entries that an import stages next, of
-- the result allowance for the archive that an export writes.
ALTER TABLE operations ADD COLUMN held_bytes bigint NOT NULL DEFAULT 0;
-- Bytes of uploads that processes may have in progress.
CREATE TABLE upload_grants (
    user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The process.
    holder {uuid} NOT NULL,
    bytes bigint NOT NULL CHECK (bytes >= 0),
    expires_at bigint NOT NULL,
    PRIMARY KEY (user_id, holder)
);
UPDATE users SET staging_bytes = failed.bytes, failed_versions = failed.versions
FROM (SELECT owner_id, count(*) AS versions,
    CAST(COALESCE(sum(CASE WHEN staged_url IS NOT NULL THEN size_bytes END), 0) AS bigint) AS bytes
    FROM versions WHERE status = 'error' GROUP BY owner_id) AS failed WHERE users.id = failed.owner_id;
UPDATE users SET result_bytes = results.bytes
FROM (SELECT owner_id, CAST(sum(result_size) AS bigint) AS bytes
    FROM operations WHERE result_url IS NOT NULL GROUP BY owner_id) AS results WHERE users.id = results.owner_id;
