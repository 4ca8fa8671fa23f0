-- Uploads that a process may have left behind: those with all their bytes, and those that join others.
CREATE INDEX uploads_to_finish ON uploads (updated_at, id)
    WHERE status = 'open' AND (ends AND offset_bytes = length_bytes OR joins IS NOT NULL);
DROP INDEX uploads_unfinished;
