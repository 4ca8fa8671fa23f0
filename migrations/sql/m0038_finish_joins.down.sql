CREATE INDEX uploads_unfinished ON uploads (updated_at, id)
    WHERE status = 'open' AND ends AND offset_bytes = length_bytes;
DROP INDEX uploads_to_finish;
